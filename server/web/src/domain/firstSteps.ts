// SPDX-License-Identifier: Apache-2.0
// What is still to do until a commit reaches a machine, read off the fleet itself. Pure.
import type { Schemas } from "@/api/client";

export interface Step {
  what: string;
  why: string;
  done: boolean;
  command: string;
  to: string;
}

export function firstSteps(fleet: Schemas["FleetStatus"]): Step[] {
  const source = fleet.sources[0];
  return [
    { what: "A machine has joined", why: "Its agent connects to this server, never the other way round.",
      done: fleet.nodes.length > 0, command: "rolesync token create --join NODE", to: "/nodes?join" },
    { what: "The code source is set", why: "The node that holds the git repository, or a directory of the server.",
      done: !!source, command: "rolesync source set --node NODE --repository /srv/app.git", to: "/code-sync" },
    { what: "A commit is imported", why: "Importing deploys nothing.",
      done: !!source?.commit, command: "rolesync source pull", to: "/code-sync" },
    { what: "A role is on a node", why: "A role says which paths go where; assign it to the nodes that need it.",
      done: fleet.cells.some((cell) => cell.source !== "none" && cell.role_name !== "code-source"), command: "rolesync node assign NODE ROLE", to: "/roles" },
    { what: "A sync has run", why: "Plan it, look at what will happen, approve it; the version is then measured on the node's disk.",
      done: fleet.cells.some((cell) => cell.version.commit !== null), command: "rolesync plan", to: "/code-sync/plan" },
  ];
}

// The first that is not done: what to do now.
export const nextStep = (steps: readonly Step[]): number => steps.findIndex((step) => !step.done);
