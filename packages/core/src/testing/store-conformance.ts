import type { Records } from "../ports/records.ts";
import type { Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { recordsConformance } from "./records-conformance.ts";
import { cancelCases } from "./store-conformance/cancel-cases.ts";
import { claimCases } from "./store-conformance/claim-cases.ts";
import { commitCases } from "./store-conformance/commit-cases.ts";
import { dueCases } from "./store-conformance/due-cases.ts";
import { keyCases } from "./store-conformance/key-cases.ts";
import { listCases } from "./store-conformance/list-cases.ts";
import { longIdCases } from "./store-conformance/long-id-cases.ts";
import { originCases } from "./store-conformance/origin-cases.ts";
import { pageCases } from "./store-conformance/page-cases.ts";
import { parkedCases } from "./store-conformance/parked-cases.ts";
import { queueCases } from "./store-conformance/queue-cases.ts";
import { resultCases } from "./store-conformance/result-cases.ts";
import { runCases } from "./store-conformance/run-cases.ts";
import { secretCases } from "./store-conformance/secret-cases.ts";
import { settleCases } from "./store-conformance/settle-cases.ts";
import { storeCase } from "./store-conformance/store-case.ts";
import { suspendCases } from "./store-conformance/suspend-cases.ts";
import { upkeepCases } from "./store-conformance/upkeep-cases.ts";

/**
 * Every promise of the `Store` port, for a store whose runners all have it (its own transport). A bug found in one
 * adapter becomes a case for all.
 */
export const storeConformance: readonly ConformanceCase<Store>[] = [
  ...commitCases,
  ...claimCases,
  ...keyCases,
  ...suspendCases,
  ...settleCases,
  ...secretCases,
  ...cancelCases,
  ...queueCases,
  ...dueCases,
  ...parkedCases,
  ...originCases,
  ...listCases,
  ...pageCases,
  ...longIdCases,
  ...recordsConformance.map(toStoreCase),
  ...upkeepCases,
  ...runCases,
];

/** The cases of `results` and `claims` in a change. */
export const resultConformance: readonly ConformanceCase<Store>[] = resultCases;

function toStoreCase({ name, run }: ConformanceCase<Records>): ConformanceCase<Store> {
  return storeCase(`records: ${name}`, (store) => run(async () => store.records));
}
