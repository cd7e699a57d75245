export { dispatchCommands, type FleetRights } from "../policies/fleet-permissions.ts";
export { createApplyDocument } from "./apply-document.ts";
export { Fleet, type FleetProps } from "./fleet.ts";
export { createFleetAssociation, type FleetAssociationProps } from "./fleet-association.ts";
export { FleetInstanceProfile, type FleetInstanceProfileProps } from "./instance-profile.ts";
export { createLaunchHook, type LaunchHookProps } from "./launch-hook.ts";
export { PatchWindow, type PatchWindowProps } from "./patch-window.ts";
