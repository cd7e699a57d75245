import type { Explanation } from "../inspect/explain-stack.ts";
import type { BroughtCommit } from "../machine/commit.ts";
import type { Stack } from "../machine/stack.ts";
import type { OpenFailure } from "../machine/stack-health.ts";
import type { Clock, Ids, Random } from "./clock.ts";
import type { ClientConstructor, Logger, Target } from "./executor.ts";
import type { Locator } from "./locator.ts";
import type { Records } from "./records.ts";
import type { StackQueries } from "./store.ts";

/** A part of a plugin that runs in servers: it handles requests from outside, and works between them. */
export interface PluginService {
  /** 1 to 32 lower-case letters, digits and hyphens, beginning with a letter. Unique in a yard. */
  readonly name: string;
  readonly routes?: readonly ServiceRoute[];
  /**
   * Returns the instant from which a tick has work, in epoch milliseconds; undefined when it is unknown. Only reads, in
   * any number of servers at once, so that a yard without work writes nothing. Without this method every tick is
   * called, which takes a lease.
   */
  dueAt?(deps: ServiceDeps): Promise<number | undefined>;
  /**
   * Does the due work, and returns when it must be called again, in epoch milliseconds; undefined: at the server's next
   * regular call, at least once a minute and after each request to its routes. At most one server of a yard is in a
   * tick of a service. Begins nothing after `until`, or once `deps.signal` is aborted. An error is shown, and the tick
   * is repeated later.
   */
  tick?(deps: ServiceDeps, until: number): Promise<number | undefined>;
  /** Returns the links that reports about a stack show to people, such as a page that wakes it. Only reads. */
  listLinks?(stack: Stack, deps: ServiceDeps): Promise<readonly ServiceLink[]>;
  /**
   * Lists the commits between two versions, for people who read a stack. Undefined when the repository is not one of the
   * service's. A reason in place of commits is shown to these people. Ends when the signal is aborted. Only reads.
   */
  listCommits?(query: CommitQuery, deps: ServiceDeps, signal: AbortSignal): Promise<CommitList | undefined>;
}

/** Two versions of a repository. What they contain comes from the metadata of a stack, so it is not trusted. */
export interface CommitQuery {
  /** Its page at the code host, such as `https://github.com/acme/web`. */
  readonly repositoryUrl: string;
  /** Commits. */
  readonly before: string;
  readonly now: string;
}

/** The commits that a version has and an earlier one has not, or why they are not known. */
export type CommitList =
  | {
      readonly kind: "commits";
      /** At most 100. */
      readonly commits: readonly ListedCommit[];
      /** There are more. */
      readonly isCut: boolean;
      /** The number of commits that only the earlier version has, as after a rollback. */
      readonly dropped: number;
    }
  | { readonly kind: "unknown"; readonly reason: string };

/** A commit for people. Its texts come from its author. */
export interface ListedCommit {
  readonly id: string;
  /** The first line of its message. */
  readonly subject: string;
  readonly author?: string;
  /** ISO 8601. */
  readonly at?: string;
  /** Its page at the code host. */
  readonly url?: string;
}

/** A page of a service. */
export interface ServiceLink {
  /** The action behind the link, such as `Wake up`. */
  readonly label: string;
  readonly url: string;
}

/** A path of a service. It is not a route of the API: the service itself authenticates callers. */
export interface ServiceRoute {
  readonly method: "GET" | "POST";
  /** Below `/hooks/` or `/wake/`. One that ends with `/*` is for all paths below it. */
  readonly path: string;
  /** The maximum size of the body. A larger one is refused with 413. */
  readonly maxBytes: number;
  /**
   * Handles a request. The response to an unknown caller has the status 401: an address that gets too many is refused
   * for a while.
   */
  answer(request: ServiceRequest, deps: ServiceDeps): Promise<Response>;
}

/** A request as received. Only the size of its body is checked. */
export interface ServiceRequest {
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Where it comes from; undefined without a socket. */
  readonly address: string | undefined;
  readonly requestId: string;
}

/**
 * The dependencies of a service. `createServiceDeps` makes them: the runner of services, for the requests of a process and
 * anew for each tick, from the store, the machines and the secrets of the process.
 */
export interface ServiceDeps {
  readonly records: Records;
  readonly queries: StackQueries;
  readonly locator: Pick<Locator, "find">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly logger: Logger;
  /** Aborted when the server stops, or when another server has taken over. */
  readonly signal: AbortSignal;
  /** Returns a stack; undefined when it does not exist. */
  findStack(stackId: string): Promise<Stack | undefined>;
  /** Returns a stack as it may be shown to people, and what it waits for; undefined when it does not exist. */
  describeStack(stackId: string): Promise<DescribedStack | undefined>;
  /** Returns the end of an attempt's log, at most 64 KiB, masked; undefined without a log. */
  findLogEnd(attemptId: string): Promise<string | undefined>;
  /** Returns the links of the yard's services for a stack. A service that fails has no links, and is logged. */
  listLinks(stack: Stack): Promise<readonly ServiceLink[]>;
  /**
   * Queues an event in the name of a user of another system. The result is `duplicate` when the stack has seen the id
   * before.
   */
  publish(event: ServiceEvent, user: ServiceUser): Promise<ServicePublished>;
  /**
   * Returns whether the yard would apply an event of that user now, to the stack's present state and with the machine that
   * would decide. Changes nothing. A duplicate id does not count.
   */
  foresee(event: Omit<ServiceEvent, "id">, user: ServiceUser): Promise<ForeseenEvent>;
  /**
   * Withdraws an event that a service has published and that is parked: it is never applied, and its history has the
   * reason. Returns false for an event that is not parked.
   */
  withdrawParked(event: Pick<ServiceEvent, "id" | "stackId">, withdrawal: ServiceWithdrawal): Promise<boolean>;
  /**
   * Queues the approval of a task by a person who is known as a user of another system. It counts as if the person had
   * approved at the server: the grants of the yard and the task decide who may approve. The outcome is in the history,
   * under the id.
   */
  approve(approval: ServiceApproval, person: ServicePerson): Promise<ServicePublished>;
  /** Calls the tick of a service soon, in this process. An unknown name has no effect. */
  wake(service: string): void;
  /** Returns a client for an account and region. Throws `CONFIG_INVALID` if the server has no access to AWS. */
  aws<Client>(client: ClientConstructor<Client>, target: Target): Client;
  /** Returns a secret. Throws `CONFIG_INVALID` when it does not exist. */
  readSecret(reference: SecretReference): Promise<string>;
}

/** A stack, and what it waits for. Every sensitive value is replaced by `***`. */
export interface DescribedStack extends Pick<Explanation, "summary" | "waitsFor" | "tasks"> {
  readonly stack: Stack;
  /** The failure of its present work that has led it into its state: with success it would not have come there. */
  readonly ledBy?: OpenFailure;
}

/** An event that a service publishes. */
export interface ServiceEvent {
  readonly id: string;
  readonly stackId: string;
  readonly machine: string;
  readonly event: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly commit?: BroughtCommit | undefined;
}

/** Who withdraws a parked event, for display, and why. */
export interface ServiceWithdrawal {
  readonly by: string;
  readonly reason: string;
}

/** The user in whose name an event is sent: a sender of the kind `host`. */
export interface ServiceUser {
  /** Unique over all systems, such as `github/583231`. */
  readonly id: string;
  readonly name: string;
  /** `sub` of this person at the yard's issuer. The sender of an event that leads to an approval cannot approve it. */
  readonly subject?: string;
}

/** A person who is known as a user of another system. */
export interface ServicePerson extends ServiceUser {
  readonly subject: string;
  readonly groups: readonly string[];
}

/** The approval of a task, as a service passes it on. */
export interface ServiceApproval {
  /** The id of the event. */
  readonly id: string;
  readonly stackId: string;
  readonly machine: string;
  readonly task: string;
  /** The id of the approval that the person has seen. Another one is refused. */
  readonly approvalId: string;
  /** The subject of the approval, when the task names it. */
  readonly of?: string;
  readonly comment?: string;
}

/** The result of publishing an event. */
export type ServicePublished =
  | { readonly kind: "accepted" | "duplicate" }
  | { readonly kind: "invalid"; readonly code: string; readonly reason: string };

/** The decision of the yard about an event, if it came now. */
export type ForeseenEvent =
  | { readonly kind: "applied" }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

/** Where a secret is: a variable of the environment, a file, or a secret of AWS Secrets Manager by its ARN. */
export type SecretReference = { readonly env: string } | { readonly file: string } | { readonly secret: string };
