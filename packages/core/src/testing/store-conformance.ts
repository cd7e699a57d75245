import type { Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { cancelCases } from "./store-conformance/cancel-cases.ts";
import { claimCases } from "./store-conformance/claim-cases.ts";
import { commitCases } from "./store-conformance/commit-cases.ts";
import { keyCases } from "./store-conformance/key-cases.ts";
import { queueCases } from "./store-conformance/queue-cases.ts";
import { settleCases } from "./store-conformance/settle-cases.ts";
import { suspendCases } from "./store-conformance/suspend-cases.ts";

/** Every promise of the `Store` port. A bug found in one adapter becomes a case for all. */
export const storeConformance: readonly ConformanceCase<Store>[] = [
  ...commitCases,
  ...claimCases,
  ...keyCases,
  ...suspendCases,
  ...settleCases,
  ...cancelCases,
  ...queueCases,
];
