/** A delivery that keeps failing until a person has changed something. */
export class HookFailed extends Error {}

/** The yard has not decided yet about a delivery, which is handled again a little later. */
export class HookUndecided extends Error {}
