export { ChunkSizeError, chunk } from "./chunk.ts";
export { type Inventory, type InventoryFault, inventory } from "./inventory.ts";
export { type KnownInstance, type Selection, type SelectOptions, selectInstances } from "./select-instances.ts";
