export type { Switch } from "../given.ts";
export type { TrustedConsumers } from "./announcements.ts";
export { ArtifactConsumer, ConsumerAlarms, type ConsumerAlarmsProps } from "./artifact-consumer.ts";
export { ArtifactDistributor, DistributorAlarms, type DistributorAlarmsProps } from "./artifact-distributor.ts";
export type { ArtifactConsumerProps, ConsumerCode, DistributorAddress } from "./consumer-functions.ts";
export type { ArtifactDistributorProps, ExistingMemory } from "./distributor-props.ts";
