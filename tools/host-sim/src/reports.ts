/** A comment on a pull request. */
export interface SimComment {
  readonly id: number;
  readonly repository: string;
  readonly number: number;
  readonly login: string;
  /** The App that wrote it; undefined for a person. */
  readonly appId: number | undefined;
  readonly reactions: string[];
  body: string;
}

/** What an App says about a commit. `set` is what the last request that created or changed it contained, and those before it. */
export interface SimCheck {
  readonly id: number;
  readonly repository: string;
  set: Readonly<Record<string, unknown>>;
}

/** A deployment, with the statuses that it got. */
export interface SimDeployment extends SimCheck {
  readonly statuses: Readonly<Record<string, unknown>>[];
}

/** What is said about pull requests and commits. Tests read it, and may change it as people do. */
export type Reports = ReturnType<typeof createReports>;

/** Creates an empty set of reports. */
export function createReports(appId: number) {
  const comments: SimComment[] = [];
  const checks: SimCheck[] = [];
  /** Of commits, by those who are not Apps. */
  const statuses: SimCheck[] = [];
  const deployments: SimDeployment[] = [];
  let ids = 0;

  return {
    comments,
    checks,
    statuses,
    deployments,
    addComment(input: Pick<SimComment, "repository" | "number" | "body"> & { readonly login?: string }): SimComment {
      ids += 1;
      const { login, ...rest } = input;
      const by = login === undefined ? { login: "stackyard[bot]", appId } : { login, appId: undefined };
      const comment = { ...rest, ...by, id: ids, reactions: [] };
      comments.push(comment);
      return comment;
    },
    removeComment(id: number): boolean {
      const index = comments.findIndex((comment) => comment.id === id);
      if (index < 0) return false;
      comments.splice(index, 1);
      return true;
    },
    addCheck(repository: string, set: SimCheck["set"]): SimCheck {
      ids += 1;
      const check = { id: ids, repository, set };
      checks.push(check);
      return check;
    },
    addStatus(repository: string, set: SimCheck["set"]): SimCheck {
      ids += 1;
      const status = { id: ids, repository, set };
      statuses.push(status);
      return status;
    },
    addDeployment(repository: string, set: SimCheck["set"]): SimDeployment {
      ids += 1;
      const deployment = { id: ids, repository, set, statuses: [] };
      deployments.push(deployment);
      return deployment;
    },
  };
}
