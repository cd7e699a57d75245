import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { toServiceOrder } from "../service-order.ts";
import { toReleaseError } from "../to-release-error.ts";
import { hashUserData } from "../user-data/hash-user-data.ts";
import { renderUserData } from "../user-data/render-user-data.ts";
import { findUserDataFault } from "../user-data/user-data-size.ts";

/**
 * The user data of each service, rendered, by the service's name. It is read again and must still be what the document says. Throws
 * `RELEASE_HALTED`: nothing is created without it, so there is nothing to clean up.
 */
export async function loadUserData(
  deps: ReleaseDeps,
  { release }: Pick<ReleaseWork, "release">,
): Promise<Readonly<Record<string, string>>> {
  const { generation } = deps.constants;
  const template = release.user_data ?? (await loadStored(deps, release));
  const rendered = toServiceOrder(release).map(({ service_name }) => {
    const text = renderUserData(template, { ...release, service_name }, generation);
    const fault = findUserDataFault(text);
    if (fault !== undefined) throw new ReleaseError("RELEASE_HALTED", `Service(${service_name}) Error: ${fault}`);
    return [service_name, text] as const;
  });
  return Object.fromEntries(rendered);
}

async function loadStored(deps: ReleaseDeps, release: ReleaseWork["release"]): Promise<string> {
  const what = `The user data of release "${release.release_id}"`;
  const stored = await read(deps, release, what);
  if (stored === undefined) {
    throw new ReleaseError("RELEASE_HALTED", `${what} is not there any more. Deploy again, with a new release id.`);
  }
  const hash = hashUserData(stored);
  if (hash === release.user_data_sha256) return stored;
  const message = `${what} was changed after it had been checked: its SHA-256 is ${hash}, not ${release.user_data_sha256}.`;
  throw new ReleaseError("RELEASE_HALTED", `${message} Find out by whom, and deploy again.`);
}

async function read(deps: ReleaseDeps, release: ReleaseWork["release"], what: string): Promise<string | undefined> {
  try {
    return await deps.memory.loadUserData(release);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("RELEASE_HALTED", error, `${what} cannot be read.`);
  }
}
