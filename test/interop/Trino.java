/* Trino.java - run SQL in Trino's own engine, without a server: statements from stdin, a line with only `;` after each. A
 * CREATE VIEW is only parsed, by Trino's own parser; a SELECT's rows are printed, one a line. There are no tables but what a
 * statement itself holds. Runs as a source file with .deps/java on the class path. */
import io.trino.spi.type.TimeZoneKey;
import io.trino.sql.parser.SqlParser;
import io.trino.testing.LocalQueryRunner;
import io.trino.testing.MaterializedRow;
import io.trino.testing.TestingSession;
import java.nio.charset.StandardCharsets;

public class Trino {
    public static void main(String[] words) throws Exception {
        String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        int status = 0;
        try (LocalQueryRunner engine = LocalQueryRunner.create(
                TestingSession.testSessionBuilder().setTimeZoneKey(TimeZoneKey.UTC_KEY).build())) {
            for (String sql : text.split("\n;\n")) {
                if (sql.startsWith("CREATE")) {
                    new SqlParser().createStatement(sql);
                    continue;
                }
                for (MaterializedRow row : engine.execute(sql).getMaterializedRows()) {
                    System.out.println(row);
                }
            }
        } catch (RuntimeException error) {
            error.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }
}
