import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { type AwsSim, createAwsSim } from "../aws-sim.ts";
import type { SimCredentials } from "../identities.ts";
import { createSimPlugin, type SimPlugin } from "../sim-plugin.ts";

/** A simulation with one user, and clients for it. */
export interface AWorld {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly credentials: SimCredentials;
  /** A client that tries once. */
  client<Client extends Pluggable>(type: new (config: never) => Client, as?: SimCredentials, region?: string): Client;
}

/** As every client of the SDK is. */
interface Pluggable {
  readonly middlewareStack: { use(plugin: never): void };
}

/** The account that the user is of. */
export const ACCOUNT = "111122223333";
/** An account that is not the user's. */
export const OTHER = "444455556666";
/** The bucket that the user's account has. */
export const BUCKET = "yard";

/** A user that may do everything, and an empty bucket in eu-west-1. */
export function createWorld(): AWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const plugin: SimPlugin = createSimPlugin(sim);
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app" });
  sim.s3.createBucket({ name: BUCKET, account: ACCOUNT, region: "eu-west-1" });
  return {
    sim,
    clock,
    credentials,
    client(type, as = credentials, region = "eu-west-1") {
      const made = new type({ region, credentials: as, maxAttempts: 1 } as never);
      made.middlewareStack.use(plugin as never);
      return made;
    },
  };
}
