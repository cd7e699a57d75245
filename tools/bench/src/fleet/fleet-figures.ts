/** All that one run measured. */
export interface FleetFigures {
  readonly plans: readonly PlanFigures[];
  readonly dispatches: readonly DispatchFigures[];
  readonly deaths: readonly DeathFigures[];
}

/** Selecting instances. */
export interface PlanFigures {
  readonly name: string;
  readonly instances: number;
  readonly seconds: number;
  /** More memory than before, at most. */
  readonly megabytes: number;
  readonly calls: number;
}

/** A run over a fleet, in virtual time. */
export interface DispatchFigures {
  readonly name: string;
  readonly instances: number;
  readonly sends: number;
  /** Until the last command was taken. */
  readonly sentSeconds: number;
  /** Until the run knew of the last instance. */
  readonly endedSeconds: number;
}

/** Runs whose process dies. */
export interface DeathFigures {
  readonly instances: number;
  /** Requests to AWS and to the records that a whole run makes. */
  readonly awaits: number;
  readonly deaths: number;
  /** Instances without an end. */
  readonly lost: number;
  /** Instances that were sent a command more than once. */
  readonly twice: number;
}
