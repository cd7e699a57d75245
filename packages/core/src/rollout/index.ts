export { advanceWave, decideRollout } from "./decide-rollout.ts";
export { type AddOptions, addItems, listItems, type Paged, type ToRow, updateItems } from "./paged-items.ts";
export { createPages, PageConflictError, type PageForm, type Pages, type PagesInput } from "./pages.ts";
export type {
  Act,
  Action,
  Batch,
  BatchLimits,
  Limits,
  Observe,
  RolloutState,
  Row,
  RowState,
  Stop,
  Tally,
} from "./rollout.ts";
export { type Share, toConcurrency, toCount } from "./share.ts";
export { addTallies, tallyByWave, toTallies } from "./tally.ts";
