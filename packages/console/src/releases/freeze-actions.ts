/** What people do to freezes: the actions of the audit log, and their words in a line of it. */
export const FREEZE_ACTIONS = { startFreeze: "started", exceptFromFreeze: "let pass", endFreeze: "ended" } as const;
