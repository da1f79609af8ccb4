// SPDX-License-Identifier: Apache-2.0
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "@/App.vue";
import { router } from "@/router";
import { useElements } from "@/ui/element";
import "@/theme/variables.css";
import "@/theme/base.css";
import "@/theme/icons.css";
import "@/theme/parts.css";

const app = createApp(App).use(createPinia()).use(router);
useElements(app);
void router.isReady().then(() => app.mount("#app"));
