/** What an installation of the deployer calls its things. One of the presets, or one's own. */
export interface ReleaseConstants {
  /** Which generation of documents, paths and rules. */
  readonly generation: "odin" | "step-asg-deployer";
  /** Value of the tag `DeployWith` on images and subnets that everybody may use. */
  readonly optInTag: string;
  /** Root of the paths of instance profiles, such as `/odin/`. */
  readonly profileRoot: string;
  /** Root of the names of placement groups, such as `odin/`. */
  readonly placementRoot: string;
  /** A bucket is called so and the deployer's account after it. */
  readonly bucketPrefix: string;
  /** The role that the deployer assumes in each account. */
  readonly assumedRole: string;
  /** The lock table is called as the deployer's function and so. */
  readonly lockTableSuffix: string;
  /** Value of a tag, or level of a path, that stands for all; `undefined`: there is none. */
  readonly wildcard: string | undefined;
  /** Type of a first volume whose document names none. */
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

/** The installations that are known by name: ours, and those of both predecessors, whose resources work unchanged. */
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
