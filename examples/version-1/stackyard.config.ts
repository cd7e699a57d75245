import { defineConfig } from "stackyard";

export default defineConfig({
  machines: "machines",
  executors: {
    lambda: {
      functions: { database: "../review-app/functions/database.mjs" },
      mode: "local",
    },
  },
});
