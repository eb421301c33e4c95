/** What advice asks of the server that it is given on; platform implements the parts. */
import type { ProcessSystem } from "../../checkers/watched/system.ts";
import type { AddressSystem } from "../../vip/addresses.ts";

export type ServerFacts = Pick<ProcessSystem, "services"> & Pick<AddressSystem, "interfaces">;
