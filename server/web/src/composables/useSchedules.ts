// SPDX-License-Identifier: Apache-2.0
// Syncs that start by themselves, and the times in which nothing is synced.
import { actionKey, body, client, tagged, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";

export type Schedule = Schemas["Schedule"];
export type ScheduleFields = Schemas["ScheduleFields"];
export type Freeze = Schemas["Freeze"];

const schedules = liveResource<Schedule[]>(async () => (await body(client.GET("/api/schedules"))).schedules, {
  concerns: (event) => event.type === "schedule_changed",
});
const freezes = liveResource<Freeze[]>(async () => (await body(client.GET("/api/freezes"))).freezes, {
  concerns: (event) => event.type === "freeze_changed",
});

export const useSchedules = () => schedules();
export const useFreezes = () => freezes();

const named = (name: string) => ({ path: { name } });

export const readSchedule = (name: string) => tagged(client.GET("/api/schedules/{name}", { params: named(name) }));

// With an etag only when nobody has changed it meanwhile; "" for a new one.
export const saveSchedule = (name: string, etag: string, fields: ScheduleFields) =>
  body(
    client.PUT("/api/schedules/{name}", {
      params: { ...named(name), header: etag ? { "If-Match": etag } : {} },
      body: fields,
    }),
  );

export const removeSchedule = (name: string) =>
  body(client.DELETE("/api/schedules/{name}", { params: { ...named(name), header: { "If-Match": "*" } } }));

export const pauseSchedule = (name: string) => body(client.POST("/api/schedules/{name}/pause", { params: named(name) }));
export const resumeSchedule = (name: string) => body(client.POST("/api/schedules/{name}/resume", { params: named(name) }));
export const runSchedule = (name: string) =>
  body(client.POST("/api/schedules/{name}/run", { params: named(name), headers: actionKey() }));

export const previewTimes = (cron: string, time_zone: string) =>
  body(client.GET("/api/schedule-preview", { params: { query: { cron, time_zone } } }));

export const createFreeze = (fields: Schemas["FreezeFields"]) => body(client.POST("/api/freezes", { body: fields }));
export const liftFreeze = (id: string) => body(client.DELETE("/api/freezes/{id}", { params: { path: { id } } }));
