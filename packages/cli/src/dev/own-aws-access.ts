import { StackyardError } from "@stackyard/core";
import type { startYard } from "@stackyard/core/engine";

type AwsAccess = NonNullable<Parameters<typeof startYard>[0]["aws"]>;

/**
 * AWS as this machine reaches it: the SDK finds credentials and region by itself (environment, shared files, instance
 * role). Tasks that name a target are refused with `CONFIG_INVALID`, because a role must be assumed for them.
 */
export function createOwnAwsAccess(): AwsAccess {
  const clients = new Map<unknown, unknown>();
  return {
    client(client, target) {
      if (target !== undefined) throw new StackyardError("CONFIG_INVALID", tellTarget(target));
      const made = clients.get(client) ?? new client({} as never);
      clients.set(client, made);
      // Only instances of the constructor that is the key are kept under it.
      return made as InstanceType<typeof client>;
    },
    credentials: (target) =>
      Promise.reject(new StackyardError("CONFIG_INVALID", target === undefined ? NO_CREDENTIALS : tellTarget(target))),
  };
}

const NO_CREDENTIALS = "Credentials are given for tasks with a target only; others use those of this machine.";

function tellTarget({ account, region }: { readonly account: string; readonly region: string }): string {
  return `This runner works in its own account only and cannot reach ${account} in ${region}. Leave the task's target out.`;
}
