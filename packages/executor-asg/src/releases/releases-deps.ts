import type { AwsAccess, SessionOptions } from "@stackyard/aws";
import type { Clock, Logger, Random } from "@stackyard/core";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseDeps } from "../release-deps.ts";

/** What the deployer's function is made of. */
export interface ReleasesDeps {
  readonly constants: ReleaseConstants;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The account and region that the function runs in: defaults of a release's, and where the lock table is. */
  readonly deployer: { readonly account: string; readonly region: string };
  /** How AWS is reached under a session's name and tags; without a target as the function itself. */
  access(session: SessionOptions): AwsAccess;
  /** The bucket of all releases; one that names another is refused. Default: as each release says. */
  readonly bucket?: string;
  /** Default: no table, and the files of the bucket alone are the locks. */
  readonly lockTable?: string;
  /** What the roles of targets ask for. */
  readonly externalId?: string;
  /** Default: 30 min. */
  readonly leaseMs?: number;
  readonly actor?: NonNullable<ReleaseDeps["actor"]>;
}
