export { ArtifactConsumer } from "./artifact-consumer.ts";
export { ArtifactDistributor } from "./artifact-distributor.ts";
export { ConsumerAlarms, type ConsumerAlarmsProps } from "./consumer-alarms.ts";
export type { ArtifactConsumerProps, ConsumerCode, DistributorAddress } from "./consumer-props.ts";
export { DistributorAlarms, type DistributorAlarmsProps } from "./distributor-alarms.ts";
export type { ArtifactDistributorProps, ExistingMemory } from "./distributor-props.ts";
export type { Switch } from "./switch.ts";
export type { TrustedConsumers } from "./trusted-consumers.ts";
