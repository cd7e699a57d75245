/** The right to do something alone for a while. */
export interface Lease {
  readonly key: string;
  readonly owner: string;
  /** Higher with every acquisition of the key: what a late owner does with an older one is refused. */
  readonly token: number;
  readonly until: number;
}

/** The answer to a request for a lease. `held`: by whom, and until when if it is not renewed. */
export type AcquireLeaseResult =
  | { readonly kind: "acquired"; readonly lease: Lease }
  | { readonly kind: "held"; readonly by: string; readonly until: number };

/** Leases on names, built once over Records. Instants are the caller's clock; the token keeps a late owner harmless. */
export interface Leases {
  acquire(key: string, owner: string, ttlMs: number): Promise<AcquireLeaseResult>;
  /** A later `until` for the same token, or undefined when the lease went to another owner. */
  renew(lease: Lease, ttlMs: number): Promise<Lease | undefined>;
  /** Not there, or not ours any more: released. */
  release(lease: Lease): Promise<void>;
  /** Who holds it now. */
  find(key: string): Promise<Lease | undefined>;
}
