import type { Static } from "typebox";
import type { Decoded } from "./decode.ts";
import type { AutoscalingDocument, PolicyDocument } from "./schema/autoscaling-schema.ts";
import type { HookDocument } from "./schema/lifecycle-schema.ts";
import type { ReleaseDocument } from "./schema/release-schema.ts";
import type { ServiceDocument, VolumeDocument } from "./schema/service-schema.ts";

/** A decoded document of either generation, before its rules are checked. */
export type RawRelease = Decoded<ReleaseDocument> & { readonly user_data?: string | undefined };

/** A service of it. */
export type RawService = Decoded<Static<typeof ServiceDocument>>;

/** Its capacities. */
export type RawAutoscaling = Decoded<Static<typeof AutoscalingDocument>>;

/** A scaling policy. */
export type RawPolicy = Decoded<Static<typeof PolicyDocument>>;

/** A lifecycle hook. */
export type RawHook = Decoded<Static<typeof HookDocument>>;

/** A further device. */
export type RawVolume = Decoded<Static<typeof VolumeDocument>>;
