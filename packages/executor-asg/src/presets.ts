/** Names used by an installation of the deployer: a preset, or custom ones. */
export interface ReleaseConstants {
  /** Generation of documents, paths and rules. */
  readonly generation: "odin" | "step-asg-deployer";
  /** Value of the tag `DeployWith` on images and subnets that every project may use. */
  readonly optInTag: string;
  /** Root of the paths of instance profiles, such as `/odin/`. */
  readonly profileRoot: string;
  /** Root of the names of placement groups, such as `odin/`. */
  readonly placementRoot: string;
  /** Prefix of the bucket name; the deployer's account follows. */
  readonly bucketPrefix: string;
  /** The role that the deployer assumes in each account. */
  readonly assumedRole: string;
  /** Suffix of the lock table's name; the name of the deployer's function precedes it. */
  readonly lockTableSuffix: string;
  /** Value of a tag, or level of a path, that matches everything. Undefined: wildcards are not supported. */
  readonly wildcard: string | undefined;
  /** Default type of the root volume. */
  readonly volumeType: "gp2" | "gp3";
}

const STACKYARD: ReleaseConstants = {
  generation: "odin",
  optInTag: "stackyard",
  profileRoot: "/stackyard/",
  placementRoot: "stackyard/",
  bucketPrefix: "stackyard-releases-",
  assumedRole: "stackyard-releases-assumed",
  lockTableSuffix: "-locks",
  wildcard: "_all",
  volumeType: "gp3",
};

/** The presets: Stackyard's own, and those of both predecessors, whose resources work unchanged. */
export const PRESETS = {
  stackyard: STACKYARD,
  odin: {
    ...STACKYARD,
    optInTag: "odin",
    profileRoot: "/odin/",
    placementRoot: "odin/",
    bucketPrefix: "coinbase-odin-",
    assumedRole: "coinbase-odin-assumed",
    volumeType: "gp2",
  },
  "step-asg-deployer": {
    ...STACKYARD,
    generation: "step-asg-deployer",
    optInTag: "step-asg-deployer",
    profileRoot: "/",
    bucketPrefix: "coinbase-step-asg-deployer-",
    assumedRole: "coinbase-step-asg-deployer-assumed",
    wildcard: undefined,
    volumeType: "gp2",
  },
} as const satisfies Readonly<Record<string, ReleaseConstants>>;

/** Name of a preset. */
export type PresetName = keyof typeof PRESETS;
