// SPDX-License-Identifier: Apache-2.0
// The parts of Element Plus that the UI uses, with their styles; everything else stays out of the
// bundle. A new part is added here and can then be used in every template.
import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "element-plus/theme-chalk/el-button.css";
import "element-plus/theme-chalk/el-checkbox.css";
import "element-plus/theme-chalk/el-checkbox-group.css";
import "element-plus/theme-chalk/el-dialog.css";
import "element-plus/theme-chalk/el-drawer.css";
import "element-plus/theme-chalk/el-input.css";
import "element-plus/theme-chalk/el-overlay.css";
import {
  ElButton,
  ElCheckbox,
  ElCheckboxGroup,
  ElDialog,
  ElDrawer,
  ElInput,
} from "element-plus";
import type { App } from "vue";

export function useElements(app: App) {
  for (const part of [ElButton, ElCheckbox, ElCheckboxGroup, ElDialog, ElDrawer, ElInput]) {
    app.use(part);
  }
}

declare module "vue" {
  interface GlobalComponents {
    ElButton: typeof ElButton;
    ElCheckbox: typeof ElCheckbox;
    ElCheckboxGroup: typeof ElCheckboxGroup;
    ElDialog: typeof ElDialog;
    ElDrawer: typeof ElDrawer;
    ElInput: typeof ElInput;
  }
}
