import type { Records } from "../ports/records.ts";
import type { Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { recordsConformance } from "./records-conformance.ts";
import { auditCases } from "./store-conformance/audit-cases.ts";
import { bulkCases } from "./store-conformance/bulk-cases.ts";
import { cancelCases } from "./store-conformance/cancel-cases.ts";
import { claimCases, suspendCases } from "./store-conformance/claim-cases.ts";
import { commitCases } from "./store-conformance/commit-cases.ts";
import { dueCases, parkedCases } from "./store-conformance/due-cases.ts";
import { filterCases, openAttemptCases } from "./store-conformance/filter-cases.ts";
import { grantCases } from "./store-conformance/grant-cases.ts";
import { jobCases } from "./store-conformance/job-cases.ts";
import { keyCases } from "./store-conformance/key-cases.ts";
import { listCases, pageCases } from "./store-conformance/list-cases.ts";
import { longIdCases } from "./store-conformance/long-id-cases.ts";
import { memoryCases } from "./store-conformance/memory-cases.ts";
import { parkedMessageCases } from "./store-conformance/parked-message-cases.ts";
import { originCases, queueCases } from "./store-conformance/queue-cases.ts";
import { resultCases } from "./store-conformance/result-cases.ts";
import { searchPageCases } from "./store-conformance/search-page-cases.ts";
import { secretCases } from "./store-conformance/secret-cases.ts";
import { settleCases } from "./store-conformance/settle-cases.ts";
import { sortCases } from "./store-conformance/sort-cases.ts";
import { storeCase } from "./store-conformance/store-builders.ts";
import { upkeepCases } from "./store-conformance/upkeep-cases.ts";

/**
 * Every promise of the `Store` port, for a store whose runners all have it (its own transport). A bug found in one
 * adapter becomes a case for all.
 */
export const storeConformance: readonly ConformanceCase<Store>[] = [
  ...commitCases,
  ...resultCases,
  ...claimCases,
  ...grantCases,
  ...keyCases,
  ...suspendCases,
  ...settleCases,
  ...secretCases,
  ...auditCases,
  ...bulkCases,
  ...cancelCases,
  ...queueCases,
  ...dueCases,
  ...parkedCases,
  ...parkedMessageCases,
  ...originCases,
  ...listCases,
  ...filterCases,
  ...searchPageCases,
  ...sortCases,
  ...openAttemptCases,
  ...pageCases,
  ...longIdCases,
  ...recordsConformance.map(toStoreCase),
  ...upkeepCases,
  ...memoryCases,
  ...jobCases,
];

function toStoreCase({ name, run }: ConformanceCase<Records>): ConformanceCase<Store> {
  return storeCase(`records: ${name}`, (store) => run(async () => store.records));
}
