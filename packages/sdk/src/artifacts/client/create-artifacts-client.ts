import { toArtifactError } from "../artifact-error.ts";
import type {
  ArtifactSummary,
  CallDistributor,
  ConsumerPlace,
  ConsumerView,
  CoverageRow,
  DistributorAnswers,
  DistributorRequest,
} from "../distributor-request.ts";

/** A request without its `op` and cursor. */
type Query<Op extends DistributorRequest["op"]> = Omit<Extract<DistributorRequest, { op: Op }>, "op" | "cursor">;

/** What one can ask a distributor, and have it do. Lists come page by page while they are read. */
export interface ArtifactsClient {
  list(query?: Query<"list">): AsyncIterable<ArtifactSummary>;
  show(query: Query<"show">): Promise<DistributorAnswers["show"]>;
  coverage(query?: Query<"coverage">): AsyncIterable<CoverageRow>;
  /** Has everything announced again to a consumer that should have it. */
  replay(query: Query<"replay">): Promise<DistributorAnswers["replay"]>;
  /** Has one version announced again, with fresh URLs. */
  refresh(query: Query<"refresh">): Promise<DistributorAnswers["refresh"]>;
  /** A version is expected nowhere any more. */
  retire(query: Query<"retire">): Promise<DistributorAnswers["retire"]>;
  consumers(query?: Query<"consumers">): AsyncIterable<ConsumerView>;
  consumer(place: ConsumerPlace): Promise<DistributorAnswers["consumer"]>;
  /** Tells what somebody has seen in a consumer's bucket. */
  compare(query: Query<"compare">): Promise<DistributorAnswers["compare"]>;
}

/** A client of the distributor that `call` reaches. Its calls throw what `call` throws. */
export function createArtifactsClient({ call }: { readonly call: CallDistributor }): ArtifactsClient {
  return {
    list: (query = {}) =>
      readPages(async (cursor) => {
        const page = await call({ op: "list", ...query, ...cursor });
        return { ...page, entries: page.items };
      }),
    coverage: (query = {}) =>
      readPages(async (cursor) => {
        const page = await call({ op: "coverage", ...query, ...cursor });
        return { ...page, entries: page.rows };
      }),
    consumers: (query = {}) =>
      readPages(async (cursor) => {
        const page = await call({ op: "consumers", ...query, ...cursor });
        return { ...page, entries: page.items };
      }),
    show: (query) => call({ op: "show", ...query }),
    replay: (query) => call({ op: "replay", ...query }),
    refresh: (query) => call({ op: "refresh", ...query }),
    retire: (query) => call({ op: "retire", ...query }),
    consumer: (place) => call({ op: "consumer", ...place }),
    compare: (query) => call({ op: "compare", ...query }),
  };
}

interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly cursor?: string;
}

async function* readPages<Entry>(load: (cursor: { readonly cursor?: string }) => Promise<Page<Entry>>) {
  const seen = new Set<string>();
  let at: { readonly cursor?: string } = {};
  for (;;) {
    const { entries, cursor } = await load(at);
    yield* entries;
    if (cursor === undefined) return;
    if (seen.has(cursor))
      throw toArtifactError("SERVER_ERROR", "The distributor's list leads back to a page that was read.");
    seen.add(cursor);
    at = { cursor };
  }
}
