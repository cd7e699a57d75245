import { PRESETS, type PresetName } from "@stackyard/executor-asg/releases";

/** What an installation of releases calls its things. */
export interface ReleaseNames {
  /** The function; the state machine too. */
  readonly function: string;
  /** The deployer's account follows. */
  readonly bucketPrefix: string;
  readonly lockTable: string;
  /** The role in each account. */
  readonly assumedRole: string;
  /** Root of the paths of instance profiles, and of their roles. */
  readonly profileRoot: string;
  /** Root of the names of placement groups. */
  readonly placementRoot: string;
}

/** The function of a preset has the predecessor's name. */
const FUNCTIONS = {
  stackyard: "stackyard-releases",
  odin: "coinbase-odin",
  "step-asg-deployer": "coinbase-step-asg-deployer",
} as const satisfies Readonly<Record<PresetName, string>>;

/** The names of a preset. The lock table is called as the function, in lower case, and `-locks`. */
export function toReleaseNames(preset: PresetName): ReleaseNames {
  const { bucketPrefix, assumedRole, profileRoot, placementRoot, lockTableSuffix } = PRESETS[preset];
  const name = FUNCTIONS[preset];
  return {
    function: name,
    lockTable: `${name.toLowerCase()}${lockTableSuffix}`,
    bucketPrefix,
    assumedRole,
    profileRoot,
    placementRoot,
  };
}
