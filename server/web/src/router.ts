// SPDX-License-Identifier: Apache-2.0
// Every screen has an address, and what a screen filters by is in its query.
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from "vue-router";
import { askCommitsAhead } from "@/composables/useCodeSync";
import { askFleetAhead } from "@/composables/useFleet";
import { useSession } from "@/composables/useSession";

const routes: RouteRecordRaw[] = [
  { path: "/login", name: "login", component: () => import("@/views/LoginView.vue"), meta: { title: "Log in", open: true } },
  { path: "/", name: "overview", component: () => import("@/views/OverviewView.vue"), meta: { title: "Overview" } },
  { path: "/code-sync", name: "code-sync", component: () => import("@/views/CodeSyncView.vue"), meta: { title: "Code sync" } },
  { path: "/code-sync/plan", name: "plan", component: () => import("@/views/PlanView.vue"), meta: { title: "Plan" } },
  { path: "/jobs/:id", name: "job", component: () => import("@/views/JobView.vue"), props: true, meta: { title: "Job" } },
  { path: "/nodes", name: "nodes", component: () => import("@/views/NodesView.vue"), meta: { title: "Nodes" } },
  { path: "/nodes/:id", name: "node", component: () => import("@/views/NodeView.vue"), props: true, meta: { title: "Node" } },
  { path: "/roles", name: "roles", component: () => import("@/views/RolesView.vue"), meta: { title: "Roles" } },
  { path: "/schedules", name: "schedules", component: () => import("@/views/SchedulesView.vue"), meta: { title: "Schedules" } },
  { path: "/plugins", name: "plugins", component: () => import("@/views/PluginsView.vue"), meta: { title: "Plugins" } },
  { path: "/audit", name: "audit", component: () => import("@/views/AuditView.vue"), meta: { title: "Audit" } },
  { path: "/settings", name: "settings", component: () => import("@/views/SettingsView.vue"), meta: { title: "Settings" } },
  { path: "/:path(.*)*", name: "not-found", component: () => import("@/views/NotFoundView.vue"), meta: { title: "Not found" } },
];

export const router = createRouter({ history: createWebHistory(), routes });

// The first screen after a load waits once for the server: its code, who is there, and the data of
// the overview and of every page's head are asked for at the same time.
function askAhead(to: RouteLocationNormalized) {
  for (const { components } of to.matched) {
    const lazy = components?.default;
    if (typeof lazy === "function") void (lazy as () => Promise<unknown>)().catch(() => {});
  }
  askFleetAhead();
  if (to.name === "overview" || to.name === "code-sync") askCommitsAhead();
}

router.beforeEach(async (to) => {
  if (to.meta.open) return true;
  const session = useSession();
  if (!session.who) askAhead(to);
  if (await session.ensure()) return true;
  return { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
});

router.afterEach((to) => {
  const subject = typeof to.params.id === "string" ? `${to.params.id} · ` : "";
  document.title = `${subject}${String(to.meta.title)} · rolesync`;
});
