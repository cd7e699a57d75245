export { advanceWave } from "./advance-wave.ts";
export { type Action, decideRollout, type Limits, type RolloutState, type Stop } from "./decide-rollout.ts";
export { addItems, listItems, type Paged, type ToRow, updateItems } from "./paged-items.ts";
export { createPages, PageConflictError, type PageForm, type Pages, type PagesInput, requireEmpty } from "./pages.ts";
export { type Share, toConcurrency, toCount } from "./share.ts";
export { addTallies, type Row, type RowState, type Tally, tallyByWave, toTallies } from "./tally.ts";
