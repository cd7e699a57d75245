/** What people do to freezes, as lines of the audit log name it. */
export const FREEZE_ACTIONS: readonly string[] = ["startFreeze", "exceptFromFreeze", "endFreeze"];
