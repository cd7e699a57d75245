const READ = /\.(BatchGet|Describe|Filter|Get|Head|List|Lookup|Simulate)/;

/** A weather that a service cannot have, with the reason. */
interface Impossible {
  /** Matches the name of the weather. */
  readonly weather: RegExp;
  /** Matches the operation. */
  readonly operation: RegExp;
  readonly why: string;
  /** A page of the documentation, where the reason is one of the service. */
  readonly source?: string;
}

/** Returns true for operations that only read. */
export function isRead(operation: string): boolean {
  return READ.test(operation);
}

/** What services cannot do, in one table. */
export const IMPOSSIBLE: readonly Impossible[] = [
  {
    weather: /^(missing|stale)/,
    operation: /^S3\./,
    why: "S3 shows every write to every later read, also in lists.",
    source: 'Amazon S3 user guide, "Amazon S3 data consistency model"',
  },
  {
    weather: /^(missing|stale)/,
    operation: /^(STS|KMS)\./,
    why: "These calls return nothing that appears or disappears.",
  },
  {
    weather: /^denied/,
    operation: /^STS\.GetCallerIdentity$/,
    why: "It needs no permission.",
    source: "STS API reference, GetCallerIdentity",
  },
  {
    weather: /^reset after$/,
    operation: READ,
    why: "A read has no effect, so it does not matter when the connection breaks: see reset before.",
  },
];
