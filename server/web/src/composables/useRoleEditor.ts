// SPDX-License-Identifier: Apache-2.0
// The state of one edit of a role: the form, what it began from, and what to do when somebody else
// was quicker (their version becomes the new base, conflicting fields wait for a decision).
import { computed, ref } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { createRole, readRole, saveRole, type Role } from "@/composables/useRoles";
import { bodyOf, fieldRules, formOf, merge, type Conflict, type Form } from "@/domain/roleForm";

export function useRoleEditor() {
  const name = ref("");
  const role = ref<Role | null>(null);
  const etag = ref("");
  const base = ref<Form>({});
  const form = ref<Form>({});
  const reset = ref(new Set<string>());
  const problem = ref<Problem | null>(null);
  const conflicts = ref<Conflict[] | null>(null); // null: nobody was quicker

  const undecided = computed(() => conflicts.value !== null && conflicts.value.length > 0);
  const changed = (field: string) => form.value[field] !== base.value[field] || reset.value.has(field);
  const dirty = computed(() => fieldRules.some((rule) => changed(rule.name)));

  async function open(existing: string) {
    name.value = existing;
    problem.value = conflicts.value = null;
    reset.value = new Set();
    role.value = null;
    etag.value = "";
    form.value = base.value = formOf(null);
    if (!existing) return;
    try {
      const answer = await readRole(existing);
      role.value = answer.data;
      etag.value = answer.etag;
      base.value = formOf(answer.data);
      form.value = { ...base.value };
    } catch (error) {
      problem.value = asProblem(error);
    }
  }

  async function takeTheirs() {
    const answer = await readRole(name.value);
    const theirs = formOf(answer.data);
    const merged = merge(base.value, form.value, theirs);
    role.value = answer.data;
    etag.value = answer.etag;
    base.value = theirs;
    form.value = merged.form;
    conflicts.value = merged.conflicts;
  }

  // True when it was saved.
  async function save(): Promise<boolean> {
    problem.value = null;
    try {
      const fields = bodyOf(role.value, form.value, reset.value);
      if (role.value) await saveRole(name.value, etag.value, fields);
      else await createRole({ ...fields, role_name: name.value.trim() });
      return true;
    } catch (error) {
      const said = asProblem(error);
      if (said.status !== 412) {
        problem.value = said;
        return false;
      }
      await takeTheirs().catch((second) => (problem.value = asProblem(second)));
      return false;
    }
  }

  function decide(field: string, value: string) {
    form.value = { ...form.value, [field]: value };
    conflicts.value = (conflicts.value ?? []).filter((conflict) => conflict.rule.name !== field);
  }
  const fault = (field: string) =>
    problem.value?.fields.find((f) => f.pointer === `/${field}` || f.pointer?.startsWith(`/${field}/`))?.detail ?? "";

  return { name, role, form, reset, problem, conflicts, undecided, dirty, changed, open, save, decide, fault };
}
