/** Version of the core, against which plugins and packages say what they need; package.json has the same. */
export const coreVersion = "0.1.0";
