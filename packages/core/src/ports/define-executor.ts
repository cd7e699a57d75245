import type { TSchema } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { parseDuration } from "../machine/document/duration.ts";
import type { AttemptAccess, Executor, ExecutorSpec, ServiceKey } from "./executor.ts";

/** A service that a host provides to the executors of its worker. `provideService` makes it. */
export interface ProvidedService {
  readonly name: string;
  /** Called for each attempt that asks for the service. */
  create(attempt: AttemptAccess): unknown;
}

/** Returns the key of a service that hosts may provide to executors. The name is unique in a yard, such as `terraform-state`. */
export function defineService<Service>(name: string): ServiceKey<Service> {
  return { name };
}

/** Returns a service for `services` of a worker; executors get what `create` returns by `ctx.service(key)`. */
export function provideService<Service>(
  key: ServiceKey<Service>,
  create: (attempt: AttemptAccess) => Service,
): ProvidedService {
  return { name: key.name, create };
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/;
const DEFAULT_CANCEL_WITHIN = "5m";

/**
 * Makes an executor of its parts. The types of `config`, `progress` and outputs come from the schemas, and the
 * worker checks values against them before each call. Throws `PLUGIN_INVALID`.
 */
export function defineExecutor<Config extends TSchema, Progress extends TSchema, Outputs extends TSchema>(
  spec: ExecutorSpec<Config, Progress, Outputs>,
): Executor {
  if (!NAME.test(spec.name)) {
    throw new StackyardError(
      "PLUGIN_INVALID",
      `The executor's name ${JSON.stringify(spec.name)} must begin with a lower-case letter and hold only lower-case letters, digits and hyphens.`,
    );
  }
  const cancelWithin = spec.cancelWithin ?? DEFAULT_CANCEL_WITHIN;
  if (parseDuration(cancelWithin) === undefined) {
    throw new StackyardError(
      "PLUGIN_INVALID",
      `The executor "${spec.name}" has cancelWithin ${JSON.stringify(cancelWithin)}; write a duration such as "5m".`,
    );
  }
  // The worker hands over only values that fit the schemas, which the compiler cannot see across the registry.
  return { ...spec, resumable: spec.resumable ?? true, cancelWithin } as Executor;
}
