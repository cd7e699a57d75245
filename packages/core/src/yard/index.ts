// The names that a start of a function reads: names of `engine` and `access` whose own files need little. A bundle reads an entry
// with all that anything in the bundle uses of it, also what is imported on demand.
export { GroupName, matchesText, toGroups } from "../access/access-config.ts";
export { CHANNELS, SENDER_KINDS } from "../access/sender.ts";
export { loadSharedKey } from "../engine/attempts/shared-key.ts";
export { createUlids, systemClock } from "../engine/built-in-ports.ts";
export { createFolderLocator } from "../engine/machines/machine-folder.ts";
export { createOutboxRelay } from "../engine/relay.ts";
export { createMessageWorker } from "../engine/workers/message-worker.ts";
export { createYard, startTasks } from "../engine/yard.ts";
