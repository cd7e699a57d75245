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
  const nextId = (): number => ++ids;

  return {
    comments,
    checks,
    statuses,
    deployments,
    addComment(input: Pick<SimComment, "repository" | "number" | "body"> & { readonly login?: string }): SimComment {
      const { login, ...rest } = input;
      const by = login === undefined ? { login: "stackyard[bot]", appId } : { login, appId: undefined };
      const comment = { ...rest, ...by, id: nextId(), reactions: [] };
      comments.push(comment);
      return comment;
    },
    removeComment(id: number): void {
      const index = comments.findIndex((comment) => comment.id === id);
      if (index >= 0) comments.splice(index, 1);
    },
    addCheck(repository: string, set: SimCheck["set"]): SimCheck {
      const check = { id: nextId(), repository, set };
      checks.push(check);
      return check;
    },
    addStatus(repository: string, set: SimCheck["set"]): SimCheck {
      const status = { id: nextId(), repository, set };
      statuses.push(status);
      return status;
    },
    addDeployment(repository: string, set: SimCheck["set"]): SimDeployment {
      const deployment = { id: nextId(), repository, set, statuses: [] };
      deployments.push(deployment);
      return deployment;
    },
  };
}
