/** An account and a region. */
export interface ConsumerPlace {
  readonly account: string;
  readonly region: string;
}

/** How one artifact version stands at one consumer. */
export type CellStatus = "expected" | "announced" | "stored" | "present" | "failed" | "rejected" | "overdue";

/** One artifact version at one consumer. */
export interface CoverageCell extends ConsumerPlace {
  readonly status: CellStatus;
  /** Of the first file that failed or was refused. */
  readonly code: string | null;
  readonly files: number;
  /** How many of them stand there. */
  readonly filesDone: number;
  readonly announcements: number;
  /** Every digest was compared. */
  readonly verified: boolean;
  /** When the status was reached. ISO 8601. */
  readonly at: string;
}

/** One artifact version over all consumers that should have it. */
export interface CoverageRow {
  readonly name: string;
  readonly version: string;
  readonly manifestSha256: string;
  readonly publishedAt: string;
  /** It stands everywhere where it should, and it should stand somewhere. Nobody waits for those that `silent` counts. */
  readonly covered: boolean;
  /** Consumers of the first generation, which cannot answer, where it should stand and nobody has seen it. */
  readonly silent?: number;
  readonly retired: boolean;
  readonly cells: readonly CoverageCell[];
}

/** A consumer, as the distributor knows it. */
export interface ConsumerView extends ConsumerPlace {
  readonly bucket: string | null;
  /** `v2` once it has answered as such; `v1` otherwise. */
  readonly generation: "v1" | "v2";
  readonly capabilities: readonly string[];
  readonly firstSeenAt: string;
  readonly lastReceiptAt: string | null;
  readonly registered: boolean;
}

/** An artifact version in a list. */
export interface ArtifactSummary {
  readonly name: string;
  readonly version: string;
  readonly manifestSha256: string;
  readonly publishedAt: string;
  readonly files: number;
  readonly bytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly retired: boolean;
  readonly covered: boolean;
}

/** What a consumer's bucket was seen to hold of a file; null: nothing. */
export interface SeenFile {
  readonly key: string;
  readonly sha256: string | null;
}

/** What the distributor's function can be asked, beside the events that reach it. */
export type DistributorRequest =
  | { readonly op: "list"; readonly name?: string; readonly cursor?: string; readonly limit?: number }
  | { readonly op: "show"; readonly name: string; readonly version: string }
  /** Versions by name, or one; of one consumer, or all. */
  | {
      readonly op: "coverage";
      readonly name?: string;
      readonly version?: string;
      readonly account?: string;
      readonly region?: string;
      readonly cursor?: string;
      readonly limit?: number;
    }
  /** Everything that a consumer should have is announced to it again, by the state machine. `since`: ISO 8601. */
  | ({ readonly op: "replay"; readonly since?: string; readonly artifact?: string } & ConsumerPlace)
  /** One version is announced again with fresh URLs, to one consumer or to all that lack it. */
  | {
      readonly op: "refresh";
      readonly name: string;
      readonly version: string;
      readonly account?: string;
      readonly region?: string;
    }
  /** The version is no longer expected anywhere; consumers that agreed delete it. */
  | { readonly op: "retire"; readonly name: string; readonly version: string }
  | { readonly op: "consumers"; readonly cursor?: string; readonly limit?: number }
  | ({ readonly op: "consumer" } & ConsumerPlace)
  /** What somebody has seen in a consumer's bucket: repairs what lost receipts left open. */
  | ({
      readonly op: "compare";
      readonly name: string;
      readonly version: string;
      readonly bucket: string;
      readonly seen: readonly SeenFile[];
    } & ConsumerPlace);

/** What it answers, by request. */
export interface DistributorAnswers {
  readonly list: { readonly items: readonly ArtifactSummary[]; readonly cursor?: string };
  readonly show: ArtifactSummary & { readonly manifest: unknown; readonly cells: readonly CoverageCell[] };
  readonly coverage: { readonly rows: readonly CoverageRow[]; readonly cursor?: string };
  readonly replay: { readonly executionArn: string; readonly startedAt: string };
  readonly refresh: { readonly files: number; readonly messages: number };
  readonly retire: { readonly retired: boolean; readonly messages: number };
  readonly consumers: { readonly items: readonly ConsumerView[]; readonly cursor?: string };
  readonly consumer: ConsumerView & {
    readonly cells: readonly (CoverageCell & { readonly name: string; readonly version: string })[];
  };
  readonly compare: {
    readonly matching: number;
    readonly missing: readonly string[];
    readonly different: readonly string[];
  };
}

/** The answer to a request as it travels. */
export type DistributorReply<Op extends keyof DistributorAnswers = keyof DistributorAnswers> =
  | { readonly kind: "answer"; readonly answer: DistributorAnswers[Op] }
  | { readonly kind: "error"; readonly code: string; readonly message: string };

/** Asks a distributor, wherever it runs. With `signal` the call ends early, with `INTERRUPTED`. */
export type CallDistributor = <Op extends DistributorRequest["op"]>(
  request: Extract<DistributorRequest, { readonly op: Op }>,
  options?: { readonly signal?: AbortSignal },
) => Promise<DistributorAnswers[Op]>;
