export { dispatchCommands, type FleetRights } from "../policies/fleet-permissions.ts";
export { Fleet, FleetAlarms, type FleetAlarmsProps, type FleetProps } from "./fleet.ts";
export {
  createApplyDocument,
  createFleetAssociation,
  createLaunchHook,
  type FleetAssociationProps,
  FleetInstanceProfile,
  type FleetInstanceProfileProps,
  type LaunchHookProps,
  PatchWindow,
  type PatchWindowProps,
  toLaunchHook,
} from "./instances.ts";
