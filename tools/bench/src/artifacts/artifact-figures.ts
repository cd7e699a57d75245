import type { Spread } from "../side-by-side/statistics.ts";

/** All that one run measured. */
export interface ArtifactFigures {
  readonly plans: readonly PlanFigures[];
  readonly messages: readonly MessageFigures[];
  readonly decisions: readonly MessageFigures[];
  readonly copies: readonly CopyFigures[];
  /** Why `aws s3 cp` is not among the copies; undefined: it is. */
  readonly awsMissing?: string;
  readonly memories: readonly MemoryFigures[];
  readonly publications: readonly PublicationFigures[];
}

/** Planning who is sent what, and when. */
export interface PlanFigures {
  readonly consumers: number;
  readonly versions: number;
  /** Of each version. */
  readonly files: number;
  readonly messages: number;
  readonly seconds: Spread;
}

/** Messages per second, next to the baseline; `ratio`: of the two in the same round. */
export interface MessageFigures {
  readonly name: string;
  readonly bare: string;
  readonly perSecond: Spread;
  readonly barePerSecond: Spread;
  readonly ratio: Spread;
}

/** One way to bring a file from bucket to bucket; `ratio`: of its rate to the plain stream's in the same round. */
export interface CopyFigures {
  readonly way: string;
  readonly bytes: number;
  readonly mibPerSecond: Spread;
  readonly ratio: Spread;
}

/** A process that copies one file and ends. */
export interface MemoryFigures {
  readonly way: string;
  readonly bytes: number;
  readonly seconds: number;
  /** Before the copy, with all that it needs loaded. */
  readonly baseMb: number;
  /** The most that was resident at any time, with the base in it. */
  readonly peakMb: number;
}

/** A publication next to its two halves; `ratio`: to the slower of them in the same round. */
export interface PublicationFigures {
  /** What bytes go through. */
  readonly link: string;
  readonly bytes: number;
  readonly seconds: Spread;
  readonly hashSeconds: Spread;
  readonly uploadSeconds: Spread;
  readonly ratio: Spread;
}
