import type { RepositoryPlace } from "../delivery/hook.ts";

/** A pull request at its host. */
export interface PullPlace {
  readonly repository: RepositoryPlace;
  readonly number: number;
}

/** A comment that Stackyard has written. */
export interface OwnComment {
  readonly id: number;
  readonly body: string;
}

/** The reaction under a comment: the command was accepted, or rejected. */
export type HostReaction = "+1" | "confused";

/** A check of a commit. */
export interface HostCheck {
  readonly name: string;
  readonly head: string;
  readonly title: string;
  /** Markdown, of at most 65,535 characters. */
  readonly summary: string;
  /** Where people read more. */
  readonly url?: string;
  /** Missing: it is in progress. */
  readonly conclusion?: "success" | "failure" | "neutral" | "cancelled";
  /** At most three. */
  readonly actions: readonly CheckAction[];
  /** How many presses of buttons of its pull request were answered before. Missing: none. */
  readonly turn?: number;
}

/** A button of a check. */
export interface CheckAction {
  /** At most 20 characters. */
  readonly label: string;
  /** At most 40 characters. */
  readonly description: string;
  /** At most 20 characters. */
  readonly identifier: string;
}

/** The stack that a commit was deployed to. */
export interface DeploymentSubject {
  readonly head: string;
  readonly stackId: string;
  readonly yardId: string;
}

/** The current state of a deployment. */
export interface HostDeployment {
  readonly state: DeploymentState;
  readonly description: string;
  readonly url?: string;
}

/** `inactive`: it does not exist any more. `replaced`: by that of another commit. */
export type DeploymentState = "pending" | "in_progress" | "success" | "failure" | "inactive" | "replaced";

/** Where reports are written. Every call is one request or a few; errors are those of the host's client. */
export interface ReportHost {
  /** Returns what limits of the host are counted by. */
  findBudget(place: PullPlace): Promise<string>;
  /** Lists the comments that Stackyard has written on a pull request, oldest first: those of this App, or of this token's user. */
  listOwnComments(place: PullPlace): Promise<readonly OwnComment[]>;
  createComment(place: PullPlace, body: string): Promise<number>;
  /** Updates a comment; returns false when it does not exist any more. */
  updateComment(place: PullPlace, id: number, body: string): Promise<boolean>;
  deleteComment(place: PullPlace, id: number): Promise<void>;
  /** Finds the check with the name and the head. Returns undefined if `createCheck` replaces an existing one. */
  findCheck(place: PullPlace, check: Pick<HostCheck, "name" | "head">): Promise<number | undefined>;
  createCheck(place: PullPlace, check: HostCheck): Promise<number>;
  /** True if a check of another name is another check, whose id is not needed. */
  readonly countsByName: boolean;
  /** Updates a check; returns false when it does not exist any more, or is completed and cannot begin again. */
  updateCheck(place: PullPlace, id: number, check: HostCheck): Promise<boolean>;
  /** Finds the newest deployment with this subject. */
  findDeployment(place: PullPlace, subject: DeploymentSubject): Promise<number | undefined>;
  createDeployment(place: PullPlace, subject: DeploymentSubject): Promise<number>;
  /** Updates a deployment; returns false when it does not exist any more. */
  setDeployment(place: PullPlace, id: number, deployment: HostDeployment): Promise<boolean>;
  /** Adds a reaction; has no effect when the comment does not exist any more. */
  react(place: PullPlace, commentId: number, reaction: HostReaction): Promise<void>;
}

/**
 * Why a request failed.
 * - `waiting`: the host requires no calls before `until`. `down`: it does not answer; the result is unknown.
 * - `unauthorized`: it rejects the App's key, or the token. `forbidden`: it rejects everything about this repository,
 * such as when the App was uninstalled. `refused`: it rejects this request permanently.
 */
export type HostFault =
  | { readonly kind: "waiting"; readonly until: number }
  | { readonly kind: "down" | "unauthorized" | "forbidden" | "refused" };
