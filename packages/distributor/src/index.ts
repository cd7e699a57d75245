export type { Announcer } from "./announce/announcer.ts";
