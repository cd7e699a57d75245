import type { HookRepository } from "../hook.ts";

/** A pull request at its host. */
export interface PullPlace {
  readonly repository: Pick<HookRepository, "id" | "fullName">;
  readonly number: number;
}

/** A comment that Stackyard has written. */
export interface OwnComment {
  readonly id: number;
  readonly body: string;
}

/** What a person sees under a comment: that a command was taken, or that it was refused. */
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

/** What a deployment is now. */
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
  /** False: the comment does not exist any more. */
  updateComment(place: PullPlace, id: number, body: string): Promise<boolean>;
  deleteComment(place: PullPlace, id: number): Promise<void>;
  /** Finds the check with the name and the head. Undefined also where `createCheck` replaces what is there. */
  findCheck(place: PullPlace, check: Pick<HostCheck, "name" | "head">): Promise<number | undefined>;
  createCheck(place: PullPlace, check: HostCheck): Promise<number>;
  /** False: the check does not exist any more. */
  updateCheck(place: PullPlace, id: number, check: HostCheck): Promise<boolean>;
  /** Finds the newest deployment with this subject. */
  findDeployment(place: PullPlace, subject: DeploymentSubject): Promise<number | undefined>;
  createDeployment(place: PullPlace, subject: DeploymentSubject): Promise<number>;
  /** False: the deployment does not exist any more. */
  setDeployment(place: PullPlace, id: number, deployment: HostDeployment): Promise<boolean>;
  /** Has no effect when the comment does not exist any more. */
  react(place: PullPlace, commentId: number, reaction: HostReaction): Promise<void>;
}

/**
 * Why a request failed.
 * - `waiting`: the host asks not to be called before `until`. `down`: it does not answer; nothing is known about the request.
 * - `unauthorized`: it refuses the App's key, or the token. `forbidden`: it refuses everything about this repository, as when the
 *   App was uninstalled. `refused`: it refuses this request, and will again.
 */
export type HostFault =
  | { readonly kind: "waiting"; readonly until: number }
  | { readonly kind: "down" | "unauthorized" | "forbidden" | "refused" };
