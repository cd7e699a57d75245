import {
  type CheckChange,
  type PullInput,
  type SimPull,
  type SimRepository,
  toCheckEvent,
  toCommentEvent,
  toGroupEvent,
  toPullEvent,
  toPushEvent,
} from "./bodies.ts";
import type { SimCommit } from "./commit-graph.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Reports, SimCheck } from "./reports.ts";
import { type TarEntry, toTarball } from "./tarball.ts";

/** What people do at the host. Each change sends a delivery, and resolves once it was answered. */
export interface HostChanges {
  /** Creates a repository in which the App is installed. */
  addRepository(fullName: string): void;
  /** Gives a repository another name; it keeps its number. */
  renameRepository(fullName: string, newName: string): void;
  /** Deletes a repository, or takes it away from the App. */
  removeRepository(fullName: string): void;
  /** From now on, the API answers about pull requests as they are now: it is behind its webhooks. */
  holdReads(): void;
  releaseReads(): void;
  /** All changes until `endSecond` are in one second. */
  beginSecond(): void;
  endSecond(): void;
  /** Makes a commit whose files can be read as an archive. */
  addCommit(repository: string, commit: string, entries: readonly TarEntry[]): void;
  /** Adds commits that can be compared. */
  addHistory(repository: string, commits: readonly SimCommit[]): void;
  openPull(repository: string, input: PullInput): Promise<number>;
  push(repository: string, number: number, head: string): Promise<void>;
  /** Moves a ref, such as `refs/heads/main`, or deletes it without a head. */
  pushRef(repository: string, ref: string, head: string | undefined): Promise<void>;
  closePull(repository: string, number: number): Promise<void>;
  reopenPull(repository: string, number: number): Promise<void>;
  labelPull(repository: string, number: number, label: string): Promise<void>;
  /** Removes a label, the only one. */
  unlabelPull(repository: string, number: number, label: string): Promise<void>;
  /** Comments, by default as octocat, and returns the comment's id. */
  comment(repository: string, number: number, text: string, login?: string): Promise<number>;
  /** Presses a button of a check, by its identifier. */
  pressButton(repository: string, check: SimCheck, identifier: string): Promise<void>;
  /** Presses GitHub's own button "Re-run" of a check. */
  rerunCheck(repository: string, check: SimCheck): Promise<void>;
  /** Puts a pull request into a merge queue, whose group has this head. */
  queueMerge(repository: string, number: number, head: string): Promise<void>;
  /** Presses GitHub's own button "Re-run all checks" of a commit. */
  rerunChecks(repository: string, head: string): Promise<void>;
}

/** What requests read. */
export interface HeldReads {
  /** Undefined: they read the pull requests of now. */
  repositories: Map<string, SimRepository> | undefined;
}

interface ChangesDeps {
  readonly held: HeldReads;
  readonly repositories: Map<string, SimRepository>;
  readonly former: Map<string, number>;
  readonly deliveries: Deliveries;
  readonly reports: Reports;
  readonly now: () => number;
}

type PullAction = { readonly action: string; readonly label?: { readonly name: string } };

const FIRST_REPOSITORY = 424_242;

/** Creates the changes of the repositories. */
export function createChanges({ repositories, former, deliveries, reports, held, now }: ChangesDeps): HostChanges {
  let lastAt = 0;
  let isOneSecond = false;

  function findRepository(fullName: string): SimRepository {
    const found = repositories.get(fullName);
    if (found === undefined) throw new Error(`The App is not installed in ${fullName}.`);
    return found;
  }

  // GitHub counts whole seconds; two changes of a test are in one only if it says so.
  function toUpdatedAt(): number {
    if (!isOneSecond) lastAt = Math.max(Math.ceil(now() / 1_000) * 1_000, lastAt + 1_000);
    return lastAt;
  }

  async function change(fullName: string, number: number, over: Partial<SimPull>, event: PullAction) {
    const repository = findRepository(fullName);
    const before = repository.pulls.get(number);
    if (before === undefined) throw new Error(`${fullName}#${number} does not exist.`);
    const pull: SimPull = { ...before, ...over, updatedAt: toUpdatedAt() };
    repository.pulls.set(number, pull);
    await deliveries.deliver("pull_request", toPullEvent(repository, pull, event));
  }

  return {
    addRepository(fullName) {
      repositories.set(fullName, {
        id: FIRST_REPOSITORY + repositories.size,
        fullName,
        pulls: new Map(),
        archives: new Map(),
        commits: [],
        refs: new Map(),
      });
    },
    renameRepository: (fullName, newName) => rename({ repositories, former }, findRepository(fullName), newName),
    holdReads() {
      held.repositories = structuredClone(repositories);
    },
    releaseReads() {
      held.repositories = undefined;
    },
    beginSecond() {
      lastAt = toUpdatedAt();
      isOneSecond = true;
    },
    endSecond() {
      isOneSecond = false;
    },
    removeRepository: (fullName) => void repositories.delete(fullName),
    addCommit(fullName, commit, entries) {
      const repository = findRepository(fullName);
      const root = `${fullName.replace("/", "-")}-${commit.slice(0, 7)}/`;
      const inRoot = entries.map((entry) => ({ ...entry, path: `${root}${entry.path}` }));
      repository.archives.set(commit, toTarball(inRoot, commit));
    },
    addHistory: (fullName, commits) => void findRepository(fullName).commits.push(...commits),
    async openPull(fullName, { title = "Add a cart", author = "octocat", fork = false, labels = ["preview"], head }) {
      const { pulls } = findRepository(fullName);
      const number = pulls.size + 1;
      pulls.set(number, { number, title, author, fork, labels, head, state: "open", updatedAt: 0 });
      await change(fullName, number, {}, { action: "opened" });
      return number;
    },
    push: (fullName, number, head) => change(fullName, number, { head }, { action: "synchronize" }),
    async pushRef(fullName, ref, head) {
      await deliveries.deliver("push", moveRef(findRepository(fullName), { ref, head, at: toUpdatedAt() }));
    },
    closePull: (fullName, number) => change(fullName, number, { state: "closed" }, { action: "closed" }),
    reopenPull: (fullName, number) => change(fullName, number, { state: "open" }, { action: "reopened" }),
    async labelPull(fullName, number, name) {
      const labels = findRepository(fullName).pulls.get(number)?.labels ?? [];
      await change(fullName, number, { labels: [...labels, name] }, { action: "labeled", label: { name } });
    },
    unlabelPull: (fullName, number, name) =>
      change(fullName, number, { labels: [] }, { action: "unlabeled", label: { name } }),
    async comment(fullName, number, text, login = "octocat") {
      const { id } = reports.addComment({ repository: fullName, number, body: text, login });
      const written = { id, text, login, at: now() };
      await deliveries.deliver("issue_comment", toCommentEvent(findRepository(fullName), number, written));
      return id;
    },
    ...createCheckChanges(deliveries, findRepository),
  };
}

type CheckChanges = Pick<HostChanges, "pressButton" | "rerunCheck" | "rerunChecks" | "queueMerge">;

/** Creates what people do to checks and merge queues. */
function createCheckChanges(deliveries: Deliveries, findRepository: (fullName: string) => SimRepository): CheckChanges {
  async function changeCheck(
    fullName: string,
    event: string,
    change: Omit<CheckChange, "head" | "login"> & { readonly head?: string },
  ): Promise<void> {
    const head = change.head ?? String(change.check?.set["head_sha"]);
    await deliveries.deliver(event, toCheckEvent(findRepository(fullName), { ...change, head, login: "octocat" }));
  }

  return {
    pressButton: (fullName, check, identifier) =>
      changeCheck(fullName, "check_run", { check, action: "requested_action", identifier }),
    rerunCheck: (fullName, check) => changeCheck(fullName, "check_run", { check, action: "rerequested" }),
    rerunChecks: (fullName, head) => changeCheck(fullName, "check_suite", { head, action: "rerequested" }),
    async queueMerge(fullName, number, head) {
      await deliveries.deliver("merge_group", toGroupEvent(findRepository(fullName), number, head));
    },
  };
}

interface MovedRef {
  readonly ref: string;
  readonly head: string | undefined;
  readonly at: number;
}

/** Moves or deletes a ref, and returns the body of the delivery about it. */
function moveRef(repository: SimRepository, { ref, head, at }: MovedRef) {
  if (head === undefined) repository.refs.delete(ref);
  else repository.refs.set(ref, head);
  return toPushEvent(repository, ref, head, at);
}

function rename(
  { repositories, former }: Pick<ChangesDeps, "repositories" | "former">,
  own: SimRepository,
  name: string,
) {
  repositories.set(name, { ...own, fullName: name });
  repositories.delete(own.fullName);
  former.set(own.fullName, own.id);
}
