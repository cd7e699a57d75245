import type { Variables } from "./variables.ts";

/** How a runner runs tasks. */
export interface TaskSettings {
  /** The store was named, and is not only a default. */
  readonly hasStore: boolean;
  /** In a container. */
  readonly concurrency: number;
  readonly terraform: { readonly binary?: string; readonly version?: string };
  /** Of the servers that keep states. */
  readonly stateBackendUrl: string | undefined;
  /** Undefined: in the folder for temporary files. */
  readonly dataDir: string | undefined;
  /** Tasks have sessions of their own in targets, named and tagged. */
  readonly hasSessionTags: boolean;
  /** A function of Lambda. */
  readonly isFunction: boolean;
}

type Values = Variables & Readonly<Record<string, string | undefined>>;

/**
 * What a runner is told. With `LOCAL_MODE` alone it has no store, though a state manager then has one: the predecessor's
 * satisfier knows that variable too, and works by message.
 */
export function toTaskSettings(values: Values): TaskSettings {
  const { TERRAFORM_BINARY: binary, TERRAFORM_VERSION: version, TERRAFORM_STATE_URL: url } = values;
  const stores = [values.DYNAMODB_TABLE, values.POSTGRES_CONNECTION_SECRET, values.DATABASE_URL];
  return {
    hasStore: stores.some((store) => store !== undefined),
    concurrency: Number(values.TASK_CONCURRENCY ?? 4),
    terraform: { ...(binary === undefined ? {} : { binary }), ...(version === undefined ? {} : { version }) },
    stateBackendUrl: url === undefined ? undefined : `${url.replace(/\/$/, "")}/terraform/state`,
    dataDir: values.TASK_DATA_DIR,
    hasSessionTags: values.SESSION_TAGS === "true",
    isFunction: values["AWS_LAMBDA_FUNCTION_NAME"] !== undefined,
  };
}
