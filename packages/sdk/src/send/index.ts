export { checkGoalStates, checkState, loadMachines, type MachinesSource } from "./check-states.ts";
export { type FollowEventOptions, type FollowedEvent, followEvent, requireSame } from "./follow-event.ts";
export { type Metadata, parseMetadata, parseTimeout } from "./parse-words.ts";
