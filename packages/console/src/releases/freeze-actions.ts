/** The words for what people do to freezes in lines of the audit log, by action. */
export const FREEZE_ACTIONS = { startFreeze: "started", exceptFromFreeze: "let pass", endFreeze: "ended" } as const;
