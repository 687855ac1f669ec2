"""The usual way to load films: pandas reads the file, takes the lists apart, and writes tables with to_sql.

Keys and indexes as the reports would need them; no checks, no ledger, no rollups. Told the CSV file and a schema; the rest is libpq's
environment. Needs pandas, SQLAlchemy and psycopg.
"""

import ast
import sys

import pandas
import sqlalchemy

path, schema = sys.argv[1:]
engine = sqlalchemy.create_engine("postgresql+psycopg://")

LISTS = {
    "genre": ("genres", "id"),
    "company": ("production_companies", "id"),
    "country": ("production_countries", "iso_3166_1"),
    "language": ("spoken_languages", "iso_639_1"),
}


def literal(text):
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return []
    return value if isinstance(value, list) else [value]


films = pandas.read_csv(path, dtype=str)
films["id"] = pandas.to_numeric(films["id"], errors="coerce")
films = films.dropna(subset=["id", "title"]).drop_duplicates("id", keep="last").astype({"id": "int64"})
for money in ("budget", "revenue"):
    value = pandas.to_numeric(films[money], errors="coerce")
    films[money] = value.where(value > 0).astype("Int64")
for number in ("popularity", "runtime", "vote_average", "vote_count"):
    films[number] = pandas.to_numeric(films[number], errors="coerce")
films["release_date"] = pandas.to_datetime(films["release_date"], errors="coerce").dt.date

with engine.begin() as connection:

    def write(name, rows, key):
        rows.to_sql(name, connection, schema=schema, index=False, chunksize=10_000)
        connection.exec_driver_sql(f'alter table {schema}."{name}" add primary key ({", ".join(key)})')

    connection.exec_driver_sql(f"create schema {schema}")
    for name, (column, key) in {**LISTS, "collection": ("belongs_to_collection", "id")}.items():
        members = films[["id", column]].dropna().rename(columns={"id": "film_id"})
        members[column] = members[column].map(literal)
        members = members.explode(column).dropna()
        named = pandas.DataFrame(members[column].tolist(), index=members.index)[[key, "name"]]
        members = pandas.concat([members["film_id"], named], axis=1).rename(columns={key: f"{name}_id"})
        write(name, members[[f"{name}_id", "name"]].drop_duplicates(f"{name}_id"), [f"{name}_id"])
        write(f"film_{name}", members[["film_id", f"{name}_id"]].drop_duplicates(), ["film_id", f"{name}_id"])
        connection.exec_driver_sql(f'create index on {schema}."film_{name}" ({name}_id)')
    write("film", films.drop(columns=[column for column, _ in LISTS.values()] + ["belongs_to_collection"]), ["id"])
    connection.exec_driver_sql(f"create index on {schema}.film (release_date)")
    connection.exec_driver_sql("analyze")
