// SPDX-License-Identifier: Apache-2.0
// Who is logged in and what they may do. The token is given once and never kept here.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { body, client, type Schemas, useCsrf } from "@/api/client";

export const useSession = defineStore("session", () => {
  const who = ref<Schemas["WebSession"] | null>(null);
  const ended = ref(false);
  const scopes = computed(() => new Set(who.value?.scopes ?? []));

  function take(session: Schemas["WebSession"]) {
    who.value = session;
    ended.value = false;
    useCsrf(session.csrf_token ?? "");
  }

  // True when this browser is logged in; asks the server once.
  async function ensure(): Promise<boolean> {
    if (who.value) return true;
    try {
      take(await body(client.GET("/api/session")));
      return true;
    } catch {
      return false;
    }
  }

  async function logIn(token: string) {
    take(await body(client.POST("/api/session", { body: { token } })));
  }

  async function logOut() {
    await body(client.DELETE("/api/session"));
    forget();
  }

  // `because`: the server no longer knows this browser; that is told to whoever was logged in here.
  function forget(because = false) {
    ended.value = because && (who.value !== null || ended.value);
    who.value = null;
    useCsrf("");
  }

  const may = (scope: string) => scopes.value.has(scope) || scopes.value.has("admin");

  return { who, ended, scopes, ensure, logIn, logOut, forget, may };
});
