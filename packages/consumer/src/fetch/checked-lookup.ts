import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { StackyardError } from "@stackyard/core";
import { isPublicAddress } from "./is-public-address.ts";

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** How names become addresses. */
export interface CheckedLookupOptions {
  /** Default: as the system does it. */
  readonly resolve?: Resolve;
  /** Addresses inside of the network are good too: for interface endpoints. Default: false. */
  readonly privateEndpoints?: boolean;
}

/**
 * The `lookup` of a socket: what it answers is what the socket connects to, so a name cannot be public when it is checked and
 * private when it is called. One address inside of the network is enough to refuse the name.
 */
export function createCheckedLookup(options: CheckedLookupOptions = {}): LookupFunction {
  const { resolve = (host) => lookup(host, { all: true, verbatim: true }), privateEndpoints = false } = options;
  return (host, { all }, callback) => {
    resolve(host).then(
      (found) => {
        const [first] = found;
        if (first === undefined) return callback(toRefusal(`The name ${host} has no address.`), "");
        if (!privateEndpoints && !found.every(({ address }) => isPublicAddress(address))) {
          return callback(toRefusal(`The name ${host} has an address that is not public.`), "");
        }
        if (all === true) callback(null, [...found]);
        else callback(null, first.address, first.family);
      },
      (error) => callback(toRefusal(`The name ${host} cannot be resolved.`, error), ""),
    );
  };
}

function toRefusal(why: string, cause?: unknown): StackyardError {
  return new StackyardError("UNREACHABLE", why, { cause });
}
