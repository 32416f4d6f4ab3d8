"""The columns of information_schema and performance_schema, as TDengine 3.3.6 has them."""

import re
from functools import lru_cache

from ..common import datatypes as t
from ..common.catalog import SYSTEM_DATABASES
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported

SCHEMAS = {
    "ins_dnodes": "id INT, endpoint VARCHAR(134), vnodes SMALLINT, support_vnodes SMALLINT, status VARCHAR(10), "
                  "create_time TIMESTAMP, reboot_time TIMESTAMP, note VARCHAR(256)",
    "ins_mnodes": "id INT, endpoint VARCHAR(134), role VARCHAR(12), status VARCHAR(9), create_time TIMESTAMP, "
                  "role_time TIMESTAMP",
    "ins_cluster": "id BIGINT, name VARCHAR(40), uptime INT, create_time TIMESTAMP, version VARCHAR(10), "
                   "expire_time TIMESTAMP",
    "ins_databases": "name VARCHAR(64), create_time TIMESTAMP, vgroups INT, ntables BIGINT, replica TINYINT, "
                     "strict VARCHAR(4), duration VARCHAR(10), keep VARCHAR(32), buffer INT, pagesize INT, pages INT, "
                     "minrows INT, maxrows INT, comp TINYINT, precision VARCHAR(2), status VARCHAR(10), "
                     "retentions VARCHAR(60), single_stable BOOL, cachemodel VARCHAR(11), cachesize INT, "
                     "wal_level TINYINT, wal_fsync_period INT, wal_retention_period INT, wal_retention_size BIGINT, "
                     "stt_trigger SMALLINT, table_prefix SMALLINT, table_suffix SMALLINT, tsdb_pagesize INT, "
                     "keep_time_offset INT, s3_chunkpages INT, s3_keeplocal VARCHAR(10), s3_compact TINYINT, "
                     "with_arbitrator TINYINT, encrypt_algorithm VARCHAR(16), compact_interval VARCHAR(12), "
                     "compact_time_range VARCHAR(24), compact_time_offset VARCHAR(4)",
    "ins_functions": "name VARCHAR(64), comment VARCHAR(4095), aggregate INT, output_type VARCHAR(31), "
                     "create_time TIMESTAMP, code_len INT, bufsize INT, func_language VARCHAR(31), "
                     "func_body VARCHAR(65517), func_version INT",
    "ins_indexes": "index_name VARCHAR(192), db_name VARCHAR(64), table_name VARCHAR(192), vgroup_id INT, "
                   "create_time TIMESTAMP, column_name VARCHAR(192), index_type VARCHAR(192)",
    "ins_stables": "stable_name VARCHAR(192), db_name VARCHAR(64), create_time TIMESTAMP, columns INT, tags INT, "
                   "last_update TIMESTAMP, table_comment VARCHAR(1024), watermark VARCHAR(64), max_delay VARCHAR(64), "
                   "rollup VARCHAR(128), uid BIGINT, isvirtual BOOL",
    "ins_tables": "table_name VARCHAR(192), db_name VARCHAR(64), create_time TIMESTAMP, columns INT, "
                  "stable_name VARCHAR(192), uid BIGINT, vgroup_id INT, ttl INT, table_comment VARCHAR(1024), "
                  "type VARCHAR(21)",
    "ins_tags": "table_name VARCHAR(192), db_name VARCHAR(64), stable_name VARCHAR(192), tag_name VARCHAR(64), "
                "tag_type VARCHAR(32), tag_value VARCHAR(16384)",
    "ins_columns": "table_name VARCHAR(192), db_name VARCHAR(64), table_type VARCHAR(21), col_name VARCHAR(64), "
                   "col_type VARCHAR(32), col_length INT, col_precision INT, col_scale INT, col_nullable INT, "
                   "col_source VARCHAR(258)",
    "ins_anodes": "id INT, url VARCHAR(128), status VARCHAR(10), create_time TIMESTAMP, update_time TIMESTAMP",
    "ins_users": "name VARCHAR(24), super TINYINT, enable TINYINT, sysinfo TINYINT, createdb TINYINT, "
                 "create_time TIMESTAMP, allowed_host VARCHAR(49152)",
    "ins_configs": "name VARCHAR(30), value VARCHAR(4094)",
    "ins_dnode_variables": "dnode_id INT, name VARCHAR(30), value VARCHAR(4094), scope VARCHAR(6), "
                           "category VARCHAR(6), info VARCHAR(62)",
    "perf_connections": "conn_id INT UNSIGNED, user VARCHAR(24), app VARCHAR(24), pid INT UNSIGNED, "
                        "end_point VARCHAR(134), login_time TIMESTAMP, last_access TIMESTAMP, user_app VARCHAR(24), "
                        "user_ip VARCHAR(22)",
}
# TDengine has these too; here they are refused by name.
_OTHERS = frozenset(
    "ins_qnodes ins_snodes ins_vgroups ins_streams ins_subscriptions ins_topics ins_views ins_grants "
    "ins_stream_tasks ins_vnodes ins_user_privileges ins_compacts ins_compact_details ins_grants_full ins_grants_logs "
    "ins_machines ins_arbgroups ins_encryptions ins_tsmas ins_anodes_full ins_disk_usage ins_filesets "
    "ins_transaction_details perf_queries perf_consumers perf_trans perf_apps".split())


def database_of(name: str) -> str:
    """The database of the table of that name."""
    return SYSTEM_DATABASES[name.startswith("perf_")]


@lru_cache(maxsize=64)
def columns_of(database: str, name: str) -> tuple[Column, ...]:
    """The columns of a table of `information_schema` or `performance_schema`. Errors: 0x2603, 0x2600."""
    if name not in SCHEMAS and name not in _OTHERS or database_of(name) != database:
        raise TDengineError(0x2603, "Table does not exist")
    if name in _OTHERS:
        raise not_supported(f"{database}.{name}")
    return tuple(Column(column, kind := t.BY_NAME[type_], int(length or 0) or kind.size) for column, type_, length in
            re.findall(r"(\w+) ([A-Z]+(?: UNSIGNED)?)(?:\((\d+)\))?", SCHEMAS[name]))
