import type { ConsumerPlace, Manifest } from "@stackyard/sdk/artifacts";

/** A published version, with what announcements need to know of it. */
export interface PublishedArtifact {
  /** With the id of each file's version, where the bucket keeps versions. */
  readonly manifest: Manifest;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly manifestVersionId?: string;
  /** Grows with each publication in the yard; the same in every announcement of this version. */
  readonly sequence: number;
  /** Of the publication; the same in every announcement of this version. */
  readonly distributionId: string;
}

/** Who an announcement is for: everybody, or one consumer. */
export type AnnouncementTarget = ConsumerPlace | "ALL";

/**
 * Sends announcements of files through the topic, at most 20 a second to a consumer. Repeating a call repeats messages, which is
 * harmless. A call that throws may have sent some.
 */
export interface Announcer {
  /** A message per key, each with a URL of its own; `keys`: of the manifest's files. Default: all. Gives how many were sent. */
  announce(artifact: PublishedArtifact, target: AnnouncementTarget, keys?: readonly string[]): Promise<number>;
  /** Tells a consumer that agreed to it (`retire` among its capabilities) to delete a version's files. Gives how many messages. */
  announceRetirement(artifact: PublishedArtifact, target: ConsumerPlace): Promise<number>;
  /** Asks whether somebody listens there. */
  probe(target: ConsumerPlace): Promise<void>;
}
