/** Configurations that use most of the language; tests put mistakes into them. */

export const mirror = `<!DOCTYPE safe>
<!-- seeded -->
<safe>
	<macro name="SERVICES" value="a, b"/>
	<service mode="mirror" boot="on" maxloop="3" loop_interval="24h" boot_delay="10">
		<heart pulse="700ms" timeout="30s"><heartbeat name="default" ident="flow"/></heart>
		<vip><interface_list><interface check="on" arpreroute="on"><real_interface>
			<virtual_addr addr="10.0.0.9" where="one_side_alias"/>
		</real_interface></interface></interface_list></vip>
		<rfs async="second"><replicated dir="/var/lib/x"><notreplicated path="log"/></replicated></rfs>
		<errd polltimer="10"><proc name="mysqld" action="restart" class="prim" atleast="1"/></errd>
		<check>
			<tcp ident="web" when="prim"><to addr="10.0.0.9" port="80" interval="10" timeout="5"/></tcp>
			<custom ident="c" when="prim" exec="check.sh" action="restart"/>
			<splitbrain ident="s" exec="ping" arg="10.0.0.1"/>
		</check>
		<user nicestoptimeout="300"><var name="SERVICES" value="%SERVICES%"/></user>
		<failover period="5000"><![CDATA[
			/* both */ x: if (custom.c == down && !(local.tcp.? != up || remote.proc.mysqld == init)) then restart();
			y: if (heartbeat.* == down) then wait();
		]]><![CDATA[--Lua Rules
			Rules = Rules + { mine=if_then("custom.c","down",Action.stop), _group="checker" }
		]]></failover>
	</service>
</safe>
`;
export const farm = `<safe>
	<service mode="farm">
		<farm><lan name="default"/></farm>
		<vip><interface_list><interface><virtual_interface type="vmac_directed">
			<virtual_addr addr="10.0.0.9" where="alias"/>
		</virtual_interface></interface></interface_list>
		<loadbalancing_list><group name="W"><cluster><host name="n1" power="1"/><host name="n2" power="64"/></cluster>
			<rule port="80" proto="tcp" filter="on_addr"/></group></loadbalancing_list></vip>
		<user/>
	</service>
</safe>
`;

/** As versions 7 wrote it, and where the published documents contradict themselves. */
export const legacy = `<!-- comment \\-\\- before -->
<macro name="VIP" value="10.0.0.9"/>
<safe><service mode="mirror" defaultprim="alone" maxloop="3" loop_interval="24" failover="on">
	<heart pulse="700" timeout="30000"><heartbeat><server addr="10.0.0.1"/><server addr="10.0.0.2"/></heartbeat></heart>
	<rfs mountover="off" async="second" acl="off" locktimeout="200" nbrei="3" iotimeout="300">
		<flow name="default"/><replicated dir="/a" mode="read_only"/>
	</rfs>
	<vip><interface_list><interface check="off" arpreroute="on"><real_interface>
		<virtual_addr addr="%VIP%" where="one_side_alias"/>
	</real_interface></interface></interface_list></vip>
	<user nicestoptimeout="300" forcestoptimeout="300" logging="userlog"/>
	<errd><proc name="ora" argregex="{.*SID.*}" class="prim"/></errd>
	<check><check><ping ident="p"><to addr="10.0.0.1"/></ping></check></check>
</service></safe>
`;
