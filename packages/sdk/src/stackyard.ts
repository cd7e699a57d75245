import type { Cause, CauseKind, HistoryEntry, Me, StackDetails, YardInfo } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import type { EventOf } from "@stackyard/core/machine";
import { type ApprovalsApi, createApprovalsApi } from "./approvals-api.ts";
import { createYardArtifactsApi, type YardArtifactsApi } from "./artifacts-api.ts";
import { type AuditApi, createAuditApi } from "./audit-api.ts";
import { type BoardsApi, createBoardsApi } from "./boards-api.ts";
import { type BulkApi, createBulkApi } from "./bulk-api.ts";
import { call } from "./call.ts";
import { type CustomResourcesApi, createCustomResourcesApi } from "./custom-resources-api.ts";
import { createDeploysApi, type DeploysApi } from "./deploys-api.ts";
import { followHistory, type WatchOptions } from "./event-stream.ts";
import { createFreezesApi, type FreezesApi } from "./freezes-api.ts";
import {
  type CallOptions,
  createHttpClient,
  type HttpClient,
  type Page,
  type PageOptions,
  type StackyardOptions,
} from "./http-client.ts";
import { createJobsApi, type JobsApi } from "./jobs/jobs-api.ts";
import { followStream, type StreamMessage, type StreamOptions } from "./live-stream.ts";
import {
  createExecutorsApi,
  createMachinesApi,
  createProcessesApi,
  type ExecutorsApi,
  type MachinesApi,
  type ProcessesApi,
} from "./machines-api.ts";
import { createPreviewsApi, type PreviewsApi } from "./previews-api.ts";
import {
  createEventsApi,
  createHttpPublisher,
  type EventsApi,
  type MachineEvents,
  type NewEvent,
  type PublishedEvent,
  type Publisher,
  type PublishOptions,
  type PublishResult,
} from "./publisher.ts";
import { createSessionsApi, type SessionsApi } from "./sessions-api.ts";
import { type AttemptsApi, createAttemptsApi, createStacksApi, type StacksApi } from "./stacks-api.ts";
import { createStatesApi, type StatesApi } from "./states-api.ts";
import { createTokensApi, type TokensApi } from "./tokens-api.ts";
import {
  type WaitForOutcomeOptions,
  type WaitForStateOptions,
  type WaitGoal,
  waitForOutcome,
  waitForRemoval,
  waitForStack,
  waitForState,
} from "./waiting.ts";

/** A page of causes. */
export interface CausePage extends Page<Cause> {
  /** The number of stacks that were counted. */
  readonly examined: number;
  /** There are more. */
  readonly incomplete?: true;
}

/**
 * A yard over its HTTP API. With the type of a machine, `new Stackyard<typeof machine>(…)`, only that machine's events
 * can be published. Errors are `StackyardError`s: `UNREACHABLE`, or a `StackyardApiError` with the server's problem.
 */
export class Stackyard<Machine extends MachineEvents = MachineEvents> implements Publisher<EventOf<Machine>> {
  readonly stacks: StacksApi;
  readonly attempts: AttemptsApi;
  readonly events: EventsApi;
  readonly machines: MachinesApi;
  readonly executors: ExecutorsApi;
  readonly processes: ProcessesApi;
  readonly previews: PreviewsApi;
  readonly jobs: JobsApi;
  readonly sessions: SessionsApi;
  readonly tokens: TokensApi;
  readonly approvals: ApprovalsApi;
  readonly audit: AuditApi;
  readonly states: StatesApi;
  readonly artifacts: YardArtifactsApi;
  readonly bulk: BulkApi;
  readonly boards: BoardsApi;
  readonly customResources: CustomResourcesApi;
  readonly deploys: DeploysApi;
  readonly freezes: FreezesApi;
  readonly #http: HttpClient;
  readonly #publisher: Publisher;

  constructor(options: StackyardOptions) {
    this.#http = createHttpClient(options);
    this.#publisher = createHttpPublisher(this.#http);
    this.stacks = createStacksApi(this.#http);
    this.attempts = createAttemptsApi(this.#http);
    this.events = createEventsApi(this.#http);
    this.machines = createMachinesApi(this.#http);
    this.executors = createExecutorsApi(this.#http);
    this.processes = createProcessesApi(this.#http);
    this.previews = createPreviewsApi(this.#http);
    this.jobs = createJobsApi(this.#http);
    this.sessions = createSessionsApi(this.#http);
    this.tokens = createTokensApi(this.#http);
    this.bulk = createBulkApi(this.#http);
    this.boards = createBoardsApi(this.#http);
    this.customResources = createCustomResourcesApi(this.#http);
    this.deploys = createDeploysApi(this.#http);
    this.freezes = createFreezesApi(this.#http);
    this.approvals = createApprovalsApi(this.#http);
    this.audit = createAuditApi(this.#http);
    this.states = createStatesApi(this.#http);
    this.artifacts = createYardArtifactsApi(this.#http);
  }

  /** Returns the caller and its rights. Throws `UNAUTHENTICATED`. */
  me(options?: CallOptions): Promise<Me> {
    return call<typeof op.getMe>(this.#http, "GET /v1/me", {}, options);
  }

  /** Returns the version of the server, and counts of the whole yard. Needs the permission `read` everywhere. */
  info(options?: CallOptions): Promise<YardInfo> {
    return call<typeof op.getYard>(this.#http, "GET /v1/yard", {}, options);
  }

  /**
   * Returns failed tasks, parked events or dead letters grouped by task, event and code, the most frequent first.
   * Counts at most 20,000; above that the page is `incomplete`.
   */
  causes({ signal, ...query }: PageOptions & { readonly kind: CauseKind }): Promise<CausePage> {
    return call<typeof op.listCauses>(this.#http, "GET /v1/causes", { query }, { signal });
  }

  /** Publishes one event. It is stored when this resolves, and applied soon; see `waitForOutcome`. */
  publish(event: NewEvent<EventOf<Machine>>, options?: PublishOptions): Promise<PublishedEvent> {
    return this.#publisher.publish(event, options);
  }

  /** Hands many events over; those of a request of 100 are one commit. */
  publishMany(
    events: readonly NewEvent<EventOf<Machine>>[],
    options?: PublishOptions,
  ): Promise<readonly PublishResult[]> {
    return this.#publisher.publishMany(events, options);
  }

  /** Resolves when the stack is in one of the states; see `WaitForStateOptions`. Throws `TIMED_OUT`, `OUTCOME_NEGATIVE`. */
  waitForState(
    stackId: string,
    states: string | readonly string[],
    options?: WaitForStateOptions,
  ): Promise<StackDetails> {
    return waitForState(this.#http, { stackId, states: typeof states === "string" ? [states] : states }, options);
  }

  /** Resolves when the stack does not exist or was removed. Throws as `waitForState`. */
  waitForRemoval(stackId: string, options?: WaitForStateOptions): Promise<void> {
    return waitForRemoval(this.#http, stackId, options);
  }

  /** Resolves with the stack in one of the states, or with `removed` where that is a goal too. Throws as `waitForState`. */
  waitForStack(stackId: string, goal: WaitGoal, options?: WaitForStateOptions): Promise<StackDetails | "removed"> {
    return waitForStack(this.#http, { stackId, goal }, options);
  }

  /**
   * Resolves when the event was applied. Throws `EventNotAppliedError` if it was dead-lettered, refused or ignored.
   */
  waitForOutcome(event: PublishedEvent, options?: WaitForOutcomeOptions): Promise<HistoryEntry> {
    return waitForOutcome(this.#http, event, options);
  }

  /** Yields history, progress, logs and bulk operations as they happen, over one connection; see `StreamOptions`. */
  stream(options: StreamOptions = {}): AsyncGenerator<StreamMessage, void> {
    return followStream(this.#http, options);
  }

  /** Yields new history entries, also over lost connections, until the signal is aborted. */
  async *watch(options: WatchOptions = {}): AsyncGenerator<HistoryEntry, void> {
    for await (const signal of followHistory(this.#http, options)) if (signal.kind === "entry") yield signal.entry;
  }
}
